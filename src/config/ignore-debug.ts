/**
 * Libraries that DEBUG names print what they send, the password of Redis among it. They read it when they are loaded, so
 * whatever starts the server imports this first.
 */
delete process.env.DEBUG;
