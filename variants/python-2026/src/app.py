"""A web service that validates what it answers, for which pydantic brings a compiled module."""

from flask import Flask
from pydantic import BaseModel


class Greeting(BaseModel):
    """What is answered."""

    message: str


app = Flask(__name__)


@app.get("/")
def greet():
    """Answers every caller alike."""
    return Greeting(message="Hello World!").model_dump()
