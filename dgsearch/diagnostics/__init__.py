"""What methods report while they train: each number is declared once, in words, with its checks.

A method lists its `Diagnostic`s (`dgsearch.methods.base.Method.diagnostics`). The runner records
them with the study, so that a page has label, axis and checks without the method's package. The
declarations of this repository lie here, not beside the methods, because pages import no torch.
"""

from __future__ import annotations

from dgsearch.diagnostics.declaring import Along, Diagnostic, Expectation, FailureCheck

__all__ = ["Along", "Diagnostic", "Expectation", "FailureCheck"]
