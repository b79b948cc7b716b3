import { signal } from '@preact/signals';
import { render } from 'preact';
import type { Session } from './api-types.ts';
import './style/base.css';

const session = signal<Session | null>(null);

render(<p>{session.value?.client ?? 'access-token-broker'}</p>, document.body);
