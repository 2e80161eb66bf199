"""A list of tasks in memory, as small as the published one."""

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Task(BaseModel):
    """One thing to do."""

    title: str
    completed: bool = False


app = FastAPI()
tasks: list[Task] = []


@app.get("/health")
def health():
    """Whether it runs."""
    return {"status": "healthy"}


@app.post("/tasks")
def add(task: Task):
    """Adds a task."""
    tasks.append(task)
    return {"number": len(tasks) - 1}


@app.patch("/tasks/{number}/complete")
def complete(number: int):
    """Completes a task."""
    if not 0 <= number < len(tasks):
        raise HTTPException(status_code=404)
    tasks[number].completed = True
    return tasks[number]
