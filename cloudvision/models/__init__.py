"""Models of one's own: a folder that says what a network takes and gives, and the running of it."""

from __future__ import annotations

from cloudvision.models.description import Description, DetectSettings, InputSettings
from cloudvision.models.fitting import Fitted, fit
from cloudvision.models.model import Model
from cloudvision.models.prediction import Prediction

__all__ = ["Description", "DetectSettings", "Fitted", "InputSettings", "Model", "Prediction", "fit"]
