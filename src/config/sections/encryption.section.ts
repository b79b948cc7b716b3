import { SecretText, SectionList, Text } from '../constraints.js';
import type { Secret } from '../secret.js';
import { encryptionKeyForm, MAKE_AN_ENCRYPTION_KEY } from '../secret-forms.js';

export class EncryptionKeySection {
  @Text(/^[\w.-]{1,32}$/, 'up to 32 letters, digits, dots, dashes and underscores')
  id!: string;

  @SecretText(encryptionKeyForm)
  key!: Secret;
}

export class EncryptionSection {
  @SectionList(() => EncryptionKeySection, `must list at least one key; ${MAKE_AN_ENCRYPTION_KEY}`)
  keys!: EncryptionKeySection[];
}
