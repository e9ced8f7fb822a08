import { render } from 'preact';
import { App } from './app.tsx';
import { followHistory } from './state/route.ts';
import { followSets } from './state/sets.ts';
import './ui/style/base.css';
import './ui/style/frame.css';
import './ui/style/parts.css';
import './ui/style/concepts.css';
import './ui/style/points.css';
import './ui/style/detail.css';
import './ui/style/map.css';
import './ui/style/examples.css';
import './ui/style/train.css';
import './ui/style/stability.css';

followHistory();
followSets();
render(<App />, document.getElementById('app')!);
