<?php

/**
 * Holds the access token that the broker serves, and heals a call that WeChat refused. PHP 8.0 with its curl extension,
 * no library. Where APCu is there, all requests of PHP-FPM share the token.
 */
final class TokenClient
{
    private const DEAD_TOKEN_ERRCODES = [40001, 40014, 42001];
    private const SECOND = 1_000_000_000, TIMEOUT = 10, RETRY = 2;

    private string $shareName;
    private array $held = ['token' => '', 'generation' => 0, 'freshUntil' => 0, 'expiresAt' => 0];
    private string $error = '';

    public function __construct(private string $url, private string $apiKey, private string $app)
    {
        $this->url = rtrim($url, '/');
        $this->shareName = 'token-client:' . hash('sha256', "$this->url $apiKey $app");
    }

    /** The token, from memory while it is fresh, and to its end while the broker is away. Throws when none lives. */
    public function get(): string
    {
        $this->held = $this->shared() ?: $this->held;
        if (hrtime(true) >= min($this->held['freshUntil'], $this->held['expiresAt'])) {
            $query = http_build_query(['app' => $this->app, 'min_generation' => $this->livingGeneration()]);
            if (hrtime(true) >= $this->held['freshUntil'] && !$this->ask("/token?$query")) {
                $this->hold(['freshUntil' => hrtime(true) + self::RETRY * self::SECOND] + $this->held);
            }
        }
        if (hrtime(true) >= $this->held['expiresAt']) {
            throw new RuntimeException("no access token from $this->url: $this->error");
        }
        return $this->held['token'];
    }

    /**
     * Returns $fn($token). Where WeChat refuses the token, by `errcode` in the array that $fn returns or as the code of what it
     * throws, it is reported, and $fn is run once more.
     */
    public function call(callable $fn): mixed
    {
        $token = $this->get();
        try {
            $answer = $fn($token);
        } catch (Throwable $thrown) {
            return $this->replace($token, $thrown->getCode()) ? $fn($this->held['token']) : throw $thrown;
        }
        $isReplaced = is_array($answer) && $this->replace($token, $answer['errcode'] ?? 0);
        return $isReplaced ? $fn($this->held['token']) : $answer;
    }

    /** Reports a refused token; tells whether trying again makes sense. */
    public function replace(string $token, mixed $errcode): bool
    {
        if (!in_array($errcode, self::DEAD_TOKEN_ERRCODES, true)) {
            return false;
        }
        $this->held = $this->shared() ?: $this->held; // perhaps another request has just done it
        $report = ['app' => $this->app, 'access_token' => $token, 'errcode' => $errcode];
        return $this->held['token'] !== $token || $this->ask('/token/refresh', json_encode($report));
    }

    /** Holds the token that the broker answers with, unless a newer one lives. Tells whether it answered. */
    private function ask(string $path, ?string $body = null): bool
    {
        $startedAt = hrtime(true);
        $request = curl_init($this->url . $path);
        curl_setopt_array($request, [
            CURLOPT_HTTPHEADER => ["Authorization: Bearer $this->apiKey", 'Content-Type: application/json'],
            CURLOPT_PROXY => '', // the environment's proxy is for the way out; it would be sent the API key
            CURLOPT_TIMEOUT => self::TIMEOUT,
            CURLOPT_RETURNTRANSFER => true,
        ] + ($body === null ? [] : [CURLOPT_POSTFIELDS => $body]));
        $text = curl_exec($request);
        $status = curl_getinfo($request, CURLINFO_RESPONSE_CODE);
        $answer = $status === 200 ? json_decode($text, true) : null;
        if (!isset($answer['access_token'])) {
            $this->error = curl_error($request) ?: "HTTP $status $text";
            return false;
        }
        if ($answer['generation'] >= $this->livingGeneration()) {
            $this->hold([
                'token' => $answer['access_token'],
                'generation' => $answer['generation'],
                'freshUntil' => $startedAt + $answer['cache_max_age'] * self::SECOND,
                'expiresAt' => $startedAt + $answer['expires_in'] * self::SECOND,
            ]);
        }
        return true;
    }

    private function livingGeneration(): int
    {
        return hrtime(true) < $this->held['expiresAt'] ? $this->held['generation'] : 0; // any token is better than a dead one
    }

    private function hold(array $held): void
    {
        $this->held = $held;
        if (function_exists('apcu_enabled') && apcu_enabled()) {
            apcu_store($this->shareName, $held);
        }
    }

    private function shared(): array|false
    {
        return function_exists('apcu_enabled') && apcu_enabled() ? apcu_fetch($this->shareName) : false;
    }
}
