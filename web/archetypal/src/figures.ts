/** What a model is worth on some data, all of it in the space of normalised rows. */
export interface Evaluation {
  /** Rows that were evaluated. */
  rows: number;
  /** 1 − Σ(x − x̂)² / Σ(x − μ)², with the mean μ of each dimension; null if no dimension varies. */
  r2: number | null;
  /** The same with one mean over all elements, as overcomplete has it. */
  r2_scalar_mean: number | null;
  /** Mean of (x − x̂)² over all elements. */
  mse: number;
  /** Mean active codes a row. */
  l0: number;
  /** Share of concepts that never fire. */
  dead_share: number;
  /** Pairs [q, value]: quantiles over the concepts of the share of rows in which a concept fires. */
  density_quantiles: [number, number][];
  /** Largest |cosine| between two atoms. */
  coherence: number;
  /** 1 − mean over the atoms of the largest cosine to a row. */
  ood: number;
  /** Mean over the atoms of the largest mixing weight; null for a free dictionary. */
  max_weight_mean: number | null;
  /** Mean entropy of the mixing weights, in nats; null for a free dictionary. */
  weight_entropy_mean: number | null;
  /** Mean over the atoms of ‖R‖/δ; null if δ = 0 or the dictionary is free. */
  relaxation_ratio_mean: number | null;
  /** Scale of the dictionary. */
  multiplier: number;
}

/** How two dictionaries agree. */
export interface Agreement {
  /** Mean cosine of the matched pairs: 1 if they are the same but for order and lengths. */
  stability: number;
  /** Whether the matching is the best there is; beyond 4096 atoms it is a greedy one. */
  exact: boolean;
  /** The pairs, in the order of the first dictionary. */
  matches: { first: number; second: number; cosine: number }[];
}
