/** The one call that is used; the package brings no types. */
declare module 'swagger2openapi' {
  const converter: {
    convertObj(
      swagger: object,
      options: { patch: boolean; warnOnly: boolean },
    ): Promise<{ openapi: Record<string, unknown> }>;
  };
  // eslint-disable-next-line import/no-default-export
  export default converter;
}
