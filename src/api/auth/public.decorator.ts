import { Reflector } from '@nestjs/core';

/** Opens a route to requests without an API key. */
export const Public = Reflector.createDecorator<undefined, boolean>({ transform: () => true });
