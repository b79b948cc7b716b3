import os
import sys
import time
from importlib.metadata import version

import requests

from serve import say

APP, API_KEY, BROKER_URL = (os.environ[name] for name in ("APP", "API_KEY", "BROKER_URL"))
# The broker of the test has no TLS.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

# docs:begin requests-oauthlib
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

session = OAuth2Session(client=BackendApplicationClient(client_id=APP))


def access_token():
    if time.time() >= session.token.get("expires_at", 0):
        session.fetch_token(f"{BROKER_URL}/oauth2/token", client_id=APP, client_secret=API_KEY)
    return session.token["access_token"]
# docs:end


token_requests = 0


def count(response):
    global token_requests
    token_requests += 1
    return response


session.register_compliance_hook("access_token_response", count)
say({"sdk": "requests-oauthlib", "version": version("requests-oauthlib")})
for _ in sys.stdin:
    params = {"access_token": access_token(), "openid": "o-1"}
    answer = requests.get(os.environ["WECHAT_URL"] + "/cgi-bin/user/info", params=params).json()
    say({"openid": answer.get("openid"), "error": answer.get("errmsg"), "token": params["access_token"], "token_requests": token_requests})
    time.sleep(0.05)
