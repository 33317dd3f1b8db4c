"""What stands in every place of a file where a patient's name might be, and must never be printed."""

CANARY = "Canary-Doe-1970-01-01"
