import { Section, Text } from '../constraints.js';
import { NAME, NAME_FORM } from './name.js';
import { RefreshSection } from './refresh.section.js';

/** What every app has. The section of a platform extends it. */
export abstract class AppSection {
  @Text(NAME, NAME_FORM)
  name!: string;

  abstract provider: string;

  @Section(() => RefreshSection)
  refresh = new RefreshSection();
}
