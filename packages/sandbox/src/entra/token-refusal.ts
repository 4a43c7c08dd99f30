/** One AADSTS refusal; `status`, `error` and code as the field guide's table 1.3 has them. */
export interface TokenRefusal {
  readonly status: 400 | 401;
  readonly error: string;
  readonly code: number;
  readonly text: string;
}
