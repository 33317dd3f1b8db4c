"""What every response, report and command says of itself."""

DISCLAIMER = (
    "Research and education only, not a diagnosis. Always consult a qualified healthcare professional for diagnosis, "
    "treatment and medical advice."
)
