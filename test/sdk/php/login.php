<?php

// docs:begin login-php
/** Its message is the code of the table of errors; the action says what to do. */
final class LoginFailed extends RuntimeException
{
    public function __construct(string $code, public readonly ?string $action)
    {
        parent::__construct($code);
    }
}

function broker(string $call, array $body): array
{
    $request = curl_init(getenv('BROKER_URL') . "/login/$call");
    curl_setopt_array($request, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 15,
        CURLOPT_HTTPHEADER => ['Content-Type: application/json', 'Authorization: Bearer ' . getenv('BROKER_API_KEY')],
        CURLOPT_POSTFIELDS => json_encode($body),
    ]);
    $answer = json_decode((string) curl_exec($request), true);
    if (curl_getinfo($request, CURLINFO_RESPONSE_CODE) !== 200) {
        throw new LoginFailed($answer['code'] ?? 'unreachable', $answer['action'] ?? null);
    }
    return $answer;
}

/** Redirect to its `url`, with `binding` in a cookie. */
function begin(): array
{
    return broker('authorize-url', ['app' => 'shop', 'redirect_uri' => getenv('REDIRECT_URI')]);
}

/** With the code and state of the callback and the binding of the cookie. */
function finish(string $code, string $state, string $binding): array
{
    return broker('exchange', ['app' => 'shop', 'code' => $code, 'state' => $state, 'binding' => $binding]);
}
// docs:end

function say(array $answer): void
{
    echo json_encode($answer), "\n";
}

// Answers each line on standard input, a JSON array of a command and its arguments, with a line of JSON.
// A pipe of Node.js is a socket, which PHP would give up after a minute.
stream_set_timeout(STDIN, 3600);
say(['sdk' => 'login.php']);
while (($line = fgets(STDIN)) !== false) {
    $arguments = json_decode($line, true);
    try {
        say(array_shift($arguments) === 'begin' ? begin() : finish(...$arguments));
    } catch (LoginFailed $failed) {
        say(['error' => $failed->getMessage(), 'action' => $failed->action]);
    }
}
