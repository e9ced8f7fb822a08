// The number of a workgroup: more than 65 535 of them are folded into two dimensions.
fn group_index(wid: vec3<u32>, nwg: vec3<u32>) -> u32 {
    return wid.y * nwg.x + wid.x;
}
