/** Why a request is refused. */
export interface Refusal {
  readonly code: number;
  readonly remark: string | undefined;
}

/** The line that Apache puts below remarks that its FAQ explains. */
export const FAQ_LINE = '\nSee http://rocketmq.apache.org/docs/faq/ for further details.';
