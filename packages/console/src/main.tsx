import { render } from 'preact';
import { Shell } from './components/shell.tsx';
import { start } from './data/store.ts';
import './style/base.css';
import './style/parts.css';
import './style/views.css';

render(<Shell />, document.body);
void start();
