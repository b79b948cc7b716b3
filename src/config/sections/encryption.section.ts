import { SecretText, SectionList, Text } from '../constraints.js';
import type { Secret } from '../secret.js';

const MAKE_ONE = '`access-token-broker keygen --encryption` makes one';

export class EncryptionKeySection {
  @Text(/^[\w.-]{1,32}$/, 'up to 32 letters, digits, dots, dashes and underscores')
  id!: string;

  // 32 bytes are 43 characters and one of padding.
  @SecretText((text) =>
    /^[A-Za-z0-9+/]{43}=$/.test(text) ? undefined : `must be 32 bytes in base64; ${MAKE_ONE}`,
  )
  key!: Secret;
}

export class EncryptionSection {
  @SectionList(() => EncryptionKeySection, `must list at least one key; ${MAKE_ONE}`)
  keys!: EncryptionKeySection[];
}
