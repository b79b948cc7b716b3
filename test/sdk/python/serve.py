import json
import sys


def serve(sdk, version, call):
    """Answers each line on standard input with a line of JSON: the openid that call() gave, or why it raised."""
    say({"sdk": sdk, "version": version})
    for _ in sys.stdin:
        try:
            say({"openid": call()})
        except Exception as error:
            say({"error": repr(error)})


def say(answer):
    print(json.dumps(answer), flush=True)
