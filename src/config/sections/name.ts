/** The form of the names of apps and callers: they appear in URLs, metrics and Redis keys. */
export const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
export const NAME_FORM =
  'a name of up to 63 lower-case letters, digits, dots, dashes and underscores, a letter or digit first';
