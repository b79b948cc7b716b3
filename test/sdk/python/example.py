import json
import os
import platform
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "examples/python"))
from token_client import TokenClient

from serve import say

tokens = TokenClient(os.environ["BROKER_URL"], os.environ["API_KEY"], os.environ["APP"])


def user_info(token):
    url = f"{os.environ['WECHAT_URL']}/cgi-bin/user/info?openid=o-1&access_token={token}"
    with urllib.request.urlopen(url) as response:
        return json.load(response)


class Refused(Exception):
    def __init__(self, errcode):
        super().__init__(f"errcode {errcode}")
        self.errcode = errcode


def user_info_or_raise(token):
    answer = user_info(token)
    if "errcode" in answer:
        raise Refused(answer["errcode"])
    return answer


def outcome(index):
    """Of every second call the refusal is an exception."""
    try:
        answer = tokens.call(user_info_or_raise if index % 2 else user_info)
        return answer.get("openid") or f"errcode {answer['errcode']}"
    except Exception as error:
        return repr(error)


say({"sdk": "examples/python", "version": platform.python_version()})
with ThreadPoolExecutor(100) as threads:
    for line in sys.stdin:
        say({"outcomes": list(threads.map(outcome, range(int(line))))})
