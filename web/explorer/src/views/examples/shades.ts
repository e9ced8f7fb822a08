/** So many concepts of an example have a colour of their own. */
export const SHOWN_HUES = 12;
/** The colour of the others. */
export const OTHER = '#94a09c';
