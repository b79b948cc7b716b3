/** The route whose answers stay open, and are counted when they begin. */
export const TOKEN_EVENTS = '/token/events';
