//! Runs on your own machine: `./ftl test template_server`.

use super::*;

#[test]
fn numbers_add_up() {
    let mut sum = Sum::default();
    assert_eq!(sum.add(2), Ok(2));
    assert_eq!(sum.add(3), Ok(5));
    assert_eq!(sum.add(u64::MAX), Err(Error::InvalidArgument));
    assert_eq!(sum.add(0), Ok(5));
}
