import { AppSection } from '../../config/app.section.js';
import { isInQuotes, oddCharacter, VISIBLE } from '../../config/secret-text.js';
import { About, OneOf, SecretText, Section, Text, Url } from '../../config/keys.js';
import { LoginSection } from '../../config/login.section.js';
import type { Secret } from '../../config/secret.js';

/** A website or app of QQ Connect (connect.qq.com). */
export class QqSection extends AppSection {
  readonly provider = 'qq';

  @About('may be left out')
  @OneOf(['qq'])
  override readonly type = 'qq';

  @About('the APP ID of QQ Connect: digits')
  @Text(/^\d{4,20}$/, 'the APP ID of QQ Connect, digits in quotes')
  readonly appId!: string;

  @About('the APP Key of QQ Connect')
  @SecretText(appKeyForm)
  readonly appSecret!: Secret;

  @About('a gateway, or the simulator')
  @Url('an http or https URL, such as https://graph.qq.com')
  readonly apiBaseUrl: string = 'https://graph.qq.com';

  @Section(() => LoginSection)
  override readonly login: LoginSection = new LoginSection();

  readonly grant = 'none';

  override get shownKind(): string {
    return this.type;
  }

  override get shownId(): string {
    return this.appId;
  }
}

function appKeyForm(text: string): string | undefined {
  if (isInQuotes(text)) return 'must be the APP Key of QQ Connect; the text is in quotes: remove them';
  const odd = oddCharacter(text, VISIBLE);
  return odd === undefined ? undefined : `must be the APP Key of QQ Connect; ${odd}`;
}
