//! The order in which things that refer to each other can be made, and the circles among them. No recursion: a spec may
//! chain any number of values.

use std::collections::{BTreeMap, BTreeSet};

use crate::expr::ast::Ident;

/// Names so that each comes after what it refers to, the circles as closed paths (`a`, `b`, `a`; each step's place is that
/// of the reference), and no name that leads into a circle.
pub fn order<'n>(references: &BTreeMap<&'n str, Vec<Ident>>) -> (Vec<&'n str>, Vec<Vec<Ident>>) {
    let mut waiting: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut users: BTreeMap<&str, Vec<&'n str>> = BTreeMap::new();
    for (&name, list) in references {
        let known = list.iter().map(|other| other.name.as_str()).filter(|other| references.contains_key(other));
        let known: BTreeSet<&str> = known.collect();
        for &other in &known {
            users.entry(other).or_default().push(name);
        }
        waiting.insert(name, known);
    }
    let mut ready: BTreeSet<&'n str> =
        references.keys().copied().filter(|name| waiting.get(name).is_none_or(BTreeSet::is_empty)).collect();
    let mut order = Vec::new();
    while let Some(name) = ready.pop_first() {
        order.push(name);
        for user in users.get(name).into_iter().flatten() {
            if let Some(left) = waiting.get_mut(user) {
                left.remove(name);
                if left.is_empty() {
                    ready.insert(user);
                }
            }
        }
    }
    let done: BTreeSet<&str> = order.iter().copied().collect();
    let stuck = references.iter().filter(|(name, _)| !done.contains(**name)).map(|(name, list)| (*name, list));
    (order, circles(&stuck.collect()))
}

/// One closed path for every circle that can be reached: each name is walked through once.
fn circles(stuck: &BTreeMap<&str, &Vec<Ident>>) -> Vec<Vec<Ident>> {
    let mut circles = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for &start in stuck.keys() {
        // Everything stuck refers to something stuck, so a walk ends only where it has been.
        let mut path: Vec<Ident> = Vec::new();
        let mut at = start;
        while seen.insert(at) {
            let Some(next) =
                stuck.get(at).and_then(|list| list.iter().find(|next| stuck.contains_key(next.name.as_str())))
            else {
                break;
            };
            path.push(next.clone());
            at = next.name.as_str();
        }
        // The walk's steps are what it went to; a circle is closed if the last step leads to where an earlier one did,
        // or to the start.
        let Some(last) = path.last() else { continue };
        let from = match path.iter().position(|step| step.name == last.name) {
            _ if last.name == start => 0,
            Some(first) if first + 1 < path.len() => first + 1,
            _ => continue,
        };
        let mut circle = vec![last.clone()];
        circle.extend(path.iter().skip(from).cloned());
        circles.push(circle);
    }
    circles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::testing::ident;

    fn ordered(list: &[(&'static str, &[&str])]) -> (Vec<&'static str>, Vec<String>) {
        let references = list.iter().map(|(name, others)| (*name, others.iter().map(|other| ident(other)).collect()));
        let (order, circles) = order(&references.collect());
        let path = |circle: &Vec<Ident>| circle.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(" ");
        (order, circles.iter().map(path).collect())
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        assert_eq!(ordered(&[("a", &["c"]), ("b", &[]), ("c", &["b", "other"])]), (vec!["b", "c", "a"], vec![]));
    }

    #[test]
    fn a_circle_is_named_once_with_its_path() {
        assert_eq!(
            ordered(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &[])]),
            (vec!["d"], vec!["a b c a".into()])
        );
        assert_eq!(ordered(&[("a", &["a"])]), (vec![], vec!["a a".into()]));
    }

    #[test]
    fn what_leads_into_a_circle_is_no_circle() {
        let (order, circles) = ordered(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("z", &["a"])]);
        assert_eq!((order, circles), (vec![], vec!["b c b".to_owned()]));
    }
}
