import { AUDITED_READS, type AuditedReads } from '../config.js';
import { OneOf, Text } from '../constraints.js';

export class AuditSection {
  @OneOf(AUDITED_READS)
  reads: AuditedReads = 'sampled';

  @Text(/^(stdout|stderr|\/.*[^/])$/, 'stdout, stderr or the absolute path of a file')
  destination = 'stdout';
}
