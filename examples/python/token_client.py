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
        held, now = self._held, time.monotonic()
        # Whoever still has a living token does not wait for the one who asks for the next.
        if now >= held.ask_again_at and self._lock.acquire(blocking=now >= held.expires_at):
            try:
                self._renew()
            finally:
                self._lock.release()
        if time.monotonic() >= self._held.expires_at:
            raise RuntimeError(f"no access token from {self._url}: {self._error}")
        return self._held.value

    def _renew(self):
        held = self._held
        if time.monotonic() < held.ask_again_at:
            return
        try:
            query = {"app": self._app, "min_generation": held.generation}
            self._ask("/token?" + urllib.parse.urlencode(query))
        except Exception as error:  # away, or without a token: the one at hand goes on
            self._error = error
            self._held = held._replace(ask_again_at=time.monotonic() + RETRY_SECONDS)

    def call(self, fn):
        """Returns fn(token), an answer of WeChat; a token that it refuses is reported, and fn is run once more."""
        token = self.get()
        answer = fn(token)
        errcode = answer.get("errcode")
        if errcode in DEAD_TOKEN_ERRCODES and self._replace(token, errcode, time.monotonic()):
            return fn(self._held.value)
        return answer

    def _replace(self, token, errcode, refused_at):
        """Reports the token unless that has been done since it was refused; tells whether trying again makes sense."""
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
        if answer["generation"] >= self._held.generation:
            self._held = Held(
                answer["access_token"],
                answer["generation"],
                started_at + answer["cache_max_age"],
                started_at + answer["expires_in"],
            )
