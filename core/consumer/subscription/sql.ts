/** An SQL92 expression over a message's properties, as `sql` makes it. */
export interface SqlExpression {
  readonly expressionType: 'SQL92';
  readonly expression: string;
}

/**
 * Subscribes by an SQL92 expression over properties, which the broker evaluates: `=`, `<>`, `<`, `BETWEEN`, `IN`, `IS NULL`,
 * `AND`, `OR`, `NOT`. A broker has to allow it (`enablePropertyFilter`); one that does not, and one that cannot read the
 * expression, refuse at the start of the consumer with RMQ_SUBSCRIPTION_INVALID.
 * @example await mq.consumer({ group: 'vip', subscribe: { orders: sql("amount > 100 AND region IN ('eu', 'us')") } });
 */
export function sql(expression: string): SqlExpression {
  return { expressionType: 'SQL92', expression };
}

/** Whether something is what `sql` makes, of whichever copy of the package. */
export function isSqlExpression(candidate: unknown): candidate is SqlExpression {
  if (typeof candidate !== 'object' || candidate === null) return false;
  const { expressionType, expression } = candidate as Partial<SqlExpression>;
  return expressionType === 'SQL92' && typeof expression === 'string';
}
