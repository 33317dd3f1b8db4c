"""`POST /api/v1/report/pdf` and `/api/v1/report/json`: an analysis to be kept."""

from typing import Any

from fastapi import APIRouter, Request, Response

from thyroid.core.analyzer import Service
from thyroid.web.app import TheService, build_app
from thyroid.web.blocking import blocking
from thyroid.web.body import Received, parse
from thyroid.web.download import PDF, attachment, check_bytes_arrive
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import PDF_PROBLEMS, PICTURE_PROBLEMS, request_body
from thyroid.web.schemas import ReportOptions, ReportRequest, ReportResponse

router = APIRouter(tags=["Images"])

BODY = request_body(ReportOptions, ReportRequest)
PDF_ANSWER: dict[str, Any] = {
    "description": "One page",
    "content": {PDF: {"schema": {"type": "string", "format": "binary"}}},
}


@router.post(
    "/api/v1/report/pdf",
    summary="Report as PDF",
    response_class=Response,
    responses={200: PDF_ANSWER, **PDF_PROBLEMS},
    openapi_extra=BODY,
)
@blocking
def report_pdf(request: Request, body: Received, service: TheService) -> Response:
    """Analyse a picture and write a page about it: pictures, score, input check, and what identifies the model."""
    check_bytes_arrive(request, PDF)
    image, options = parse(body, ReportOptions, ReportRequest)
    report = _report(service, image, options, include_gradcam=True)
    from thyroid.report import pdf  # with the PDF library, which nobody else waits for

    name = attachment(options.filename, ".report.pdf")
    return Response(pdf.make(report), media_type=PDF, headers={"Content-Disposition": name})


@router.post("/api/v1/report/json", summary="Report as JSON", responses=PICTURE_PROBLEMS, openapi_extra=BODY)
@blocking
def report_json(response: Response, body: Received, service: TheService) -> ReportResponse:
    """Analyse a picture and tell what the page would, with the pictures if `include_gradcam` is true."""
    image, options = parse(body, ReportOptions, ReportRequest)
    response.headers["Content-Disposition"] = attachment(options.filename, ".report.json")
    return _report(service, image, options, include_gradcam=options.include_gradcam)


def _report(service: Service, image: bytes, options: ReportOptions, *, include_gradcam: bool) -> ReportResponse:
    return service.report(
        image,
        filename=options.filename,
        include_gradcam=include_gradcam,
        layer_name=options.layer_name,
        target=options.target,
        size=options.size,
    )


app = build_app([router])
handler = lambda_handler(app)
