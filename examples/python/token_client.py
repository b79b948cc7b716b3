"""Holds the access token that the broker serves, and heals a call that WeChat refused. Standard library only."""

import json
import threading
import time
import urllib.parse
import urllib.request

DEAD_TOKEN_ERRCODES = (40001, 40014, 42001)
RETRY_SECONDS = 2
# Without the environment's proxy, which is for the way out and would be sent the API key.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class TokenClient:
    def __init__(self, url, api_key, app, timeout=10):
        self._url, self._app, self._timeout = url.rstrip("/"), app, timeout
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
        self._asking = threading.Lock()  # one request to the broker at a time
        self._token, self._generation = "", 0
        self._fresh_until = self._expires_at = self._reported_at = 0.0  # on the monotonic clock
        self._report_helped, self._error = False, None

    def get(self):
        """The token, from memory while it is fresh, and to its end while the broker is away. Raises when none lives."""
        if time.monotonic() >= min(self._fresh_until, self._expires_at):
            with self._asking:
                if time.monotonic() >= self._fresh_until:
                    # Meanwhile others go on with the token at hand.
                    self._fresh_until = time.monotonic() + self._timeout + RETRY_SECONDS
                    query = {"app": self._app, "min_generation": self._living_generation()}
                    if not self._ask("/token?" + urllib.parse.urlencode(query)):
                        self._fresh_until = time.monotonic() + RETRY_SECONDS
        if time.monotonic() >= self._expires_at:
            raise RuntimeError(f"no access token from {self._url}: {self._error}")
        return self._token

    def call(self, fn):
        """Returns fn(token). Where WeChat refuses the token, by `errcode` in the answer or as an attribute of what fn raises,
        it is reported, and fn is run once more."""
        token = self.get()
        try:
            answer = fn(token)
        except Exception as error:
            if not self._replace(token, getattr(error, "errcode", None)):
                raise
        else:
            if not (isinstance(answer, dict) and self._replace(token, answer.get("errcode"))):
                return answer
        return fn(self._token)

    def _replace(self, token, errcode):
        """Reports a refused token unless that has been done since; tells whether trying again makes sense."""
        if errcode not in DEAD_TOKEN_ERRCODES:
            return False
        refused_at = time.monotonic()
        with self._asking:
            if self._token == token and self._reported_at < refused_at:
                report = {"app": self._app, "access_token": token, "errcode": errcode}
                self._report_helped = self._ask("/token/refresh", json.dumps(report).encode())
                self._reported_at = time.monotonic()
            return self._token != token or self._report_helped

    def _ask(self, path, body=None):
        """Holds the token that the broker answers with, unless a newer one lives. Tells whether it answered."""
        started_at = time.monotonic()
        try:
            request = urllib.request.Request(self._url + path, body, self._headers)
            with OPENER.open(request, timeout=self._timeout) as response:
                answer = json.load(response)
            if answer["generation"] >= self._living_generation():
                # The token before its times: whoever reads without the lock may get a newer one, never a dead one.
                self._token, self._generation = answer["access_token"], answer["generation"]
                self._fresh_until = started_at + answer["cache_max_age"]
                self._expires_at = started_at + answer["expires_in"]
        except Exception as error:  # away, or without a token
            self._error = error
            return False
        return True

    def _living_generation(self):
        return self._generation if time.monotonic() < self._expires_at else 0  # any token is better than a dead one
