import { render } from 'preact';
import '../data/theme.ts';
import '../style/base.css';
import '../style/parts.css';
import './first-run.css';
import { FirstRun } from './first-run.tsx';

render(<FirstRun />, document.body);
