"""The application that is packed four ways: one page that says hello."""

from flask import Flask

server = Flask(__name__)


@server.route("/")
def hello():
    return "Hello World!"


if __name__ == "__main__":
    # every interface, else nothing outside the container gets an answer
    server.run(host="0.0.0.0", port=5000)
