"""`POST /api/v1/report/pdf` and `/api/v1/report/json`: an analysis to be kept."""

from typing import Any

from fastapi import APIRouter, Request, Response

from thyroid.telemetry.observation import recorded
from thyroid.web import responses
from thyroid.web.app import TheAnalyzer, build_app
from thyroid.web.blocking import blocking
from thyroid.web.body import Received, parse
from thyroid.web.download import PDF, attachment, check_bytes_arrive
from thyroid.web.lambda_handler import lambda_handler
from thyroid.web.openapi import IMAGE_PROBLEMS, PDF_PROBLEMS, request_body
from thyroid.web.schemas import ReportOptions, ReportRequest, ReportResponse

router = APIRouter(tags=["Images"])

BODY = request_body(ReportOptions, ReportRequest)
PDF_RESPONSE: dict[str, Any] = {
    "description": "One page",
    "content": {PDF: {"schema": {"type": "string", "format": "binary"}}},
}


@router.post(
    "/api/v1/report/pdf",
    summary="Report as PDF",
    response_class=Response,
    responses={200: PDF_RESPONSE, **PDF_PROBLEMS},
    openapi_extra=BODY,
)
@blocking
def report_pdf(request: Request, body: Received, analyzer: TheAnalyzer) -> Response:
    """Analyse an image and write a page about it: images, score, input check, and what identifies the model."""
    check_bytes_arrive(request, PDF)
    image, options = parse(body, ReportOptions, ReportRequest)
    analysis = analyzer.explain(image, options.explain_options())
    from thyroid.report import pdf  # with the PDF library, which nobody else waits for

    name = attachment(options.filename, ".report.pdf")
    page = recorded(analysis, pdf.make(analysis, options.filename))
    return Response(page, media_type=PDF, headers={"Content-Disposition": name})


@router.post("/api/v1/report/json", summary="Report as JSON", responses=IMAGE_PROBLEMS, openapi_extra=BODY)
@blocking
def report_json(response: Response, body: Received, analyzer: TheAnalyzer) -> ReportResponse:
    """Analyse an image and tell what the page would, with the images if `include_gradcam` is true."""
    image, options = parse(body, ReportOptions, ReportRequest)
    response.headers["Content-Disposition"] = attachment(options.filename, ".report.json")
    analysis = analyzer.explain(image, options.explain_options())
    report = responses.report(analysis, options.filename, include_images=options.include_gradcam)
    return recorded(analysis, report)


app = build_app([router])
handler = lambda_handler(app)
