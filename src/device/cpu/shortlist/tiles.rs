//! Products of packed operands on the matrix unit of newer Xeons (AMX): a tile is a register of 16 rows of 64 bytes.

use super::{
    kernel::Operands,
    narrow::{SIDE, TILE},
};
use std::{
    arch::{asm, x86_64::__cpuid_count},
    sync::LazyLock,
};

/// Bytes of a tile and of its rows.
const BYTES: usize = TILE * 4;
const ROW: usize = SIDE * 4;

/// All eight registers hold whole tiles.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

static CONFIG: Config = {
    let (mut bytes, mut rows) = ([0; 16], [0; 16]);
    let mut register = 0;
    while register < 8 {
        (bytes[register], rows[register]) = (ROW as u16, SIDE as u8);
        register += 1;
    }
    Config { palette: 1, start_row: 0, reserved: [0; 14], bytes, rows }
};

/// Whether the processor has tiles of bfloat16 and the system lets this process use them. Asked once.
pub(super) fn are_there() -> bool {
    static THERE: LazyLock<bool> = LazyLock::new(|| has_tiles() && may_use_tiles());
    *THERE
}

fn has_tiles() -> bool {
    const BF16: u32 = 1 << 22;
    const TILES: u32 = 1 << 24;
    is_x86_feature_detected!("avx512f") && {
        let features = __cpuid_count(7, 0).edx;
        features & (BF16 | TILES) == BF16 | TILES
    }
}

/// Linux hands out the memory for a thread's tiles only to processes that have asked for it (5.16 and later).
fn may_use_tiles() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_int = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_ulong = 18;
    // SAFETY: the call takes two numbers and changes no memory of this process.
    let refused =
        unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) };
    refused == 0
}

/// See [`Kernel::scores`](super::Kernel::scores). Needs [`are_there`].
pub(super) fn scores(operands: Operands<'_>, out: &mut [f32], stride: usize) {
    let Operands { rows, columns, panel, .. } = operands;
    let panels = columns.len() / panel;
    assert!(are_there(), "tiles");
    assert!(panel > 0 && panel.is_multiple_of(TILE) && panels > 0 && panels.is_multiple_of(2));
    assert!(rows.len() >= 2 * panel && columns.len() == panels * panel, "packed operands");
    assert!(panels * SIDE <= stride && out.len() >= 2 * SIDE * stride, "room for scores");
    // SAFETY: there are tiles. Reads stay within two panels of rows and `panels` of columns, writes within 32 rows of
    // `out`, as asserted; tile registers are set up, used and released in here.
    unsafe {
        asm!(
            "ldtilecfg [{n}]",
            // For each two panels of columns:
            "2:",
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "mov {n}, {span}",
            // For each tile of all four panels:
            "3:",
            "tileloadd tmm4, [{x0} + {row}]",
            "tileloadd tmm6, [{y0} + {row}]",
            "tileloadd tmm7, [{y1} + {row}]",
            "tileloadd tmm5, [{x1} + {row}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {x0}, {tile}",
            "add {x1}, {tile}",
            "add {y0}, {tile}",
            "add {y1}, {tile}",
            "sub {n}, {tile}",
            "jnz 3b",
            // The second half of the rows stands 16 rows further down.
            "mov {n}, {stride}",
            "shl {n}, 4",
            "add {n}, {out}",
            "tilestored [{out} + {stride}], tmm0",
            "tilestored [{out} + {stride} + {row_bytes}], tmm1",
            "tilestored [{n} + {stride}], tmm2",
            "tilestored [{n} + {stride} + {row_bytes}], tmm3",
            "add {out}, 2 * {row_bytes}",
            "sub {x0}, {span}",
            "sub {x1}, {span}",
            "mov {y0}, {y1}",
            "add {y1}, {span}",
            "dec {pairs}",
            "jnz 2b",
            "tilerelease",
            n = inout(reg) &raw const CONFIG => _,
            x0 = inout(reg) rows.as_ptr() => _,
            x1 = inout(reg) rows.as_ptr().add(panel) => _,
            y0 = inout(reg) columns.as_ptr() => _,
            y1 = inout(reg) columns.as_ptr().add(panel) => _,
            out = inout(reg) out.as_mut_ptr() => _,
            pairs = inout(reg) panels / 2 => _,
            span = in(reg) panel * 4,
            stride = in(reg) stride * 4,
            row = in(reg) ROW,
            row_bytes = const ROW,
            tile = const BYTES,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
