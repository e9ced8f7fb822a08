enable f16;
enable wgpu_cooperative_matrix;

// What a subgroup multiplies at once, as most GPUs have it.
const SIDE: u32 = 16u;
alias MatrixA = coop_mat16x16<f16, A>;
alias MatrixB = coop_mat16x16<f16, B>;
alias MatrixC = coop_mat16x16<f32, C>;
