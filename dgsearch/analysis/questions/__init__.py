"""The papers' open questions, answered from the frames of studies."""

from dgsearch.analysis.questions.base import Answer, MissingRowError, StudyFrames
from dgsearch.analysis.questions.catalogue import QUESTIONS, Question, study_file

__all__ = ["QUESTIONS", "Answer", "MissingRowError", "Question", "StudyFrames", "study_file"]
