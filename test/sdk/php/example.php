<?php

// Answers each line on standard input, a number, with the outcomes of so many calls.
require __DIR__ . '/../../../examples/php/TokenClient.php';

$tokens = new TokenClient(getenv('BROKER_URL'), getenv('API_KEY'), getenv('APP'));

function userInfo(string $token): array
{
    return json_decode(file_get_contents(getenv('WECHAT_URL') . "/cgi-bin/user/info?openid=o-1&access_token=$token"), true);
}

function userInfoOrThrow(string $token): array
{
    $answer = userInfo($token);
    if (isset($answer['errcode'])) {
        throw new RuntimeException("errcode {$answer['errcode']}", $answer['errcode']);
    }
    return $answer;
}

/** Of every second call the refusal is an exception. */
function outcome(int $index): string
{
    global $tokens;
    try {
        $answer = $tokens->call($index % 2 ? 'userInfoOrThrow' : 'userInfo');
        return $answer['openid'] ?? "errcode {$answer['errcode']}";
    } catch (Throwable $error) {
        return $error->getMessage();
    }
}

function say(array $answer): void
{
    echo json_encode($answer), "\n";
}

say(['sdk' => 'examples/php', 'version' => PHP_VERSION]);
while (($line = fgets(STDIN)) !== false) {
    say(['outcomes' => array_map('outcome', range(0, (int) $line - 1))]);
}
