/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
import type { Session } from './guard.tsx';

/** The field that every form needs which changes something: without it the guard refuses what is sent. */
export function CsrfField(props: { session: Session }) {
  return <input type="hidden" name="csrf" value={props.session.csrf} />;
}
