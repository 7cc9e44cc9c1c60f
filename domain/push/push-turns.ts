/** Of several executions of a push queue, one at a time pushes. */

/** The number of an execution that a workflow of a former version has scheduled: it was the only one. */
export const UNNUMBERED = 0;
