import { Component, type ComponentChildren } from 'preact';
import { messageOf } from '../state/sets.ts';
import { Failure } from './notice.tsx';

interface Props {
  /** Another one starts afresh. */
  what: string;
  children: ComponentChildren;
}

/** Shows what went wrong in drawing a view, instead of nothing. */
export class Boundary extends Component<Props, { failed: string | null; what: string }> {
  override state = { failed: null, what: this.props.what };

  static override getDerivedStateFromError(error: unknown) {
    return { failed: messageOf(error) };
  }

  static override getDerivedStateFromProps(props: Props, state: { what: string }) {
    return props.what === state.what ? null : { failed: null, what: props.what };
  }

  override render() {
    if (this.state.failed === null) return this.props.children;
    return (
      <Failure message={this.state.failed}>
        <button type="button" class="quiet" onClick={() => this.setState({ failed: null })}>
          Try again
        </button>
      </Failure>
    );
  }
}
