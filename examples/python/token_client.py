"""Holds the access token that the broker serves, and heals a call that WeChat refused. Standard library only."""

import json
import threading
import time
import urllib.parse
import urllib.request
from typing import NamedTuple

DEAD_TOKEN_ERRCODES = (40001, 40014, 42001)
RETRY_SECONDS = 2


class Held(NamedTuple):
    value: str
    generation: int
    ask_again_at: float  # on the monotonic clock, as expires_at
    expires_at: float

    @property
    def is_alive(self):
        return time.monotonic() < self.expires_at

    @property
    def living_generation(self):
        return self.generation if self.is_alive else 0  # any token is better than a dead one


class TokenClient:
    def __init__(self, url, api_key, app, timeout=10):
        self._url, self._app, self._timeout = url, app, timeout
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
        self._lock = threading.Lock()  # one request to the broker at a time
        self._held = Held("", 0, 0, 0)
        self._error = None
        self._reported_at, self._report_helped = 0, False

    def get(self):
        """The token, from memory while it is fresh, and to its end while the broker is away. Raises when none lives."""
        held = self._held
        # Whoever still has a living token does not wait for the one who asks for the next.
        if time.monotonic() >= held.ask_again_at and self._lock.acquire(blocking=not held.is_alive):
            try:
                self._renew()
            finally:
                self._lock.release()
        if not self._held.is_alive:
            raise RuntimeError(f"no access token from {self._url}: {self._error}")
        return self._held.value

    def _renew(self):
        held = self._held
        if time.monotonic() < held.ask_again_at:
            return
        try:
            query = {"app": self._app, "min_generation": held.living_generation}
            self._ask("/token?" + urllib.parse.urlencode(query))
        except Exception as error:  # away, or without a token: the one at hand goes on
            self._error = error
            self._held = held._replace(ask_again_at=time.monotonic() + RETRY_SECONDS)

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
        return fn(self._held.value)

    def _replace(self, token, errcode):
        """Reports a refused token unless that has been done since; tells whether trying again makes sense."""
        if errcode not in DEAD_TOKEN_ERRCODES:
            return False
        refused_at = time.monotonic()
        with self._lock:
            if self._held.value == token and self._reported_at < refused_at:
                report = {"app": self._app, "access_token": token, "errcode": errcode}
                try:
                    self._ask("/token/refresh", json.dumps(report).encode())
                    self._report_helped = True
                except Exception:
                    self._report_helped = False
                self._reported_at = time.monotonic()
            return self._held.value != token or self._report_helped

    def _ask(self, path, body=None):
        started_at = time.monotonic()
        request = urllib.request.Request(self._url + path, body, self._headers)
        with urllib.request.urlopen(request, timeout=self._timeout) as response:
            answer = json.load(response)
        if answer["generation"] >= self._held.living_generation:
            self._held = Held(
                answer["access_token"],
                answer["generation"],
                started_at + min(answer["cache_max_age"], answer["expires_in"]),
                started_at + answer["expires_in"],
            )
