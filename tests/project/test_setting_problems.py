"""What is said of a setting that does not fit: its value, unless that is a secret."""

from typing import Literal

import pytest
from pydantic import Field, SecretStr, ValidationError, model_validator

from project.setting_problems import explain
from project.settings import SettingsGroup


class LabSettings(SettingsGroup):
    size: int = 1
    api_key: Literal["", "a"] = ""
    token_days: int = 1
    pin: int = Field(default=1, repr=False)
    words: tuple[SecretStr, ...] = Field(default=(), min_length=0)
    small: int = 1

    @model_validator(mode="after")
    def fits(self) -> "LabSettings":
        if self.small > self.size:
            raise ValueError("small is larger than size")
        return self


def explained(**values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        LabSettings.model_validate(values)
    return "; ".join(explain(caught.value, LabSettings, "LAB_"))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"size": "x"}, "LAB_SIZE='x' should be a valid integer"),
        ({"token_days": "x"}, "LAB_TOKEN_DAYS='x' should be a valid integer"),
        ({"api_key": "canary"}, "LAB_API_KEY should be"),
        ({"pin": "canary"}, "LAB_PIN should be a valid integer"),
        ({"words": [7]}, "LAB_WORDS should be a valid string"),
        ({"small": 2}, "LAB small is larger than size"),
    ],
)
def test_explanations(values: dict[str, object], said: str) -> None:
    assert explained(**values).startswith(said)
    assert "canary" not in explained(**values)
