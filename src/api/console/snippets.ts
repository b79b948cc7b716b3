import type { AppDetail } from './console.views.js';

type Snippet = AppDetail['snippets'][number];

/** What a service needs to get the token of an app, in the words of the documentation; `${KEY}` stands for the API key. */
export function snippetsFor(app: string, url: string): readonly Snippet[] {
  return [
    {
      id: 'curl',
      title: 'curl',
      text: `curl -H "Authorization: Bearer \${KEY}" '${url}/token?app=${app}'`,
    },
    {
      id: 'node',
      title: 'Node.js, @access-token-broker/client',
      text: `import { createTokenClient } from '@access-token-broker/client';

const tokens = createTokenClient({ url: '${url}', apiKey: '\${KEY}', app: '${app}' });

const answer = await tokens.call((token) => userInfo(token, openid));`,
    },
    {
      id: 'java',
      title: 'Java, examples/java/TokenClient.java',
      text: `TokenClient tokens = new TokenClient("${url}", "\${KEY}", "${app}");

String answer = tokens.call(token -> userInfo(token, openid), body -> errcodeOf(body));`,
    },
    {
      id: 'go',
      title: 'Go, examples/go',
      text: `tokens := tokenclient.New("${url}", "\${KEY}", "${app}")

err := tokens.Call(func(token string) (errcode int, err error) {
	return userInfo(token, openID)
})`,
    },
    {
      id: 'php',
      title: 'PHP, examples/php/TokenClient.php',
      text: `$tokens = new TokenClient('${url}', '\${KEY}', '${app}');

$answer = $tokens->call(fn (string $token) => userInfo($token, $openid));`,
    },
    {
      id: 'python',
      title: 'Python, examples/python/token_client.py',
      text: `from token_client import TokenClient

tokens = TokenClient("${url}", "\${KEY}", "${app}")

answer = tokens.call(lambda token: user_info(token, openid))`,
    },
  ];
}
