//! What must hold for an interface as a whole: names, sizes, channels that are passed on.

use super::{BODY_LEN_MAX, HANDLES_MAX, Interface, Kind};
use crate::names;
use crate::report::{Place, Report, Reports, list_names};
use crate::types::{Type, number_len};
use crate::yaml::unknown;

impl Interface {
    /// All that becomes a Rust type of one module must differ.
    pub(super) fn check_names(&self, place: &Place, reports: &mut Reports) {
        let shared: Vec<(String, String)> = self
            .enums
            .iter()
            .map(|one| (names::pascal(&one.name), format!("the enum `{}`", one.name)))
            .chain(self.structs.iter().map(|one| {
                (
                    names::pascal(&one.name),
                    format!("the struct `{}`", one.name),
                )
            }))
            .chain(self.errors.iter().map(|one| {
                (
                    names::pascal(&one.name),
                    format!("the errors `{}`", one.name),
                )
            }))
            .collect();
        for kind in &self.kinds {
            let mut taken = shared.clone();
            taken.push(("Provider".into(), "what stands for all clients".into()));
            taken.push(("Blocking".into(), "the calls that wait".into()));
            for role in &kind.roles {
                taken.push((names::pascal(role), format!("the role `{role}`")));
                taken.push((
                    format!("To{}", names::pascal(role)),
                    format!("what the role `{role}` hears"),
                ));
            }
            for call in &kind.calls {
                for suffix in ["Request", "Reply", "Replier"] {
                    taken.push((
                        format!("{}{suffix}", names::pascal(&call.name)),
                        format!("the call `{}`", call.name),
                    ));
                }
            }
            for event in &kind.events {
                taken.push((
                    names::pascal(&event.name),
                    format!("the event `{}`", event.name),
                ));
            }
            for (index, (name, what)) in taken.iter().enumerate() {
                if let Some((_, other)) = taken[..index].iter().find(|(other, _)| other == name) {
                    reports.push(Report::new(
                        place,
                        format!("{other} and {what} would both be `{name}` in Rust"),
                        "rename one of them",
                    ));
                }
            }
        }
    }

    /// Fills in the roles that were left out, and checks the names of kinds and roles.
    pub(super) fn resolve_channels(&mut self, reports: &mut Reports) {
        let kinds: Vec<(String, [String; 2])> = self
            .kinds
            .iter()
            .map(|kind| (kind.name.clone(), kind.roles.clone()))
            .collect();
        for field in self.kinds.iter_mut().flat_map(Kind::fields_mut) {
            let channel = match &mut field.kind {
                Type::Channel(Some(channel)) => channel,
                Type::Option(inner) => match &mut **inner {
                    Type::Channel(Some(channel)) => channel,
                    _ => continue,
                },
                _ => continue,
            };
            let Some((_, roles)) = kinds.iter().find(|(name, _)| *name == channel.kind) else {
                let message = format!("there is no channel `{}` in this interface", channel.kind);
                let known = kinds.iter().map(|(name, _)| name.as_str());
                reports.push(unknown(&field.place, &message, &channel.kind, known));
                continue;
            };
            match &channel.role {
                None => channel.role = Some(roles[0].clone()),
                Some(role) if roles.contains(role) => {}
                Some(role) => {
                    let message = format!("a `{}` has no role `{role}`", channel.kind);
                    reports.push(
                        unknown(
                            &field.place,
                            &message,
                            role,
                            roles.iter().map(String::as_str),
                        )
                        .help(format!(
                            "its roles are {}",
                            list_names(roles.iter().map(String::as_str))
                        )),
                    );
                }
            }
        }
    }

    pub(super) fn check_sizes(&mut self, reports: &mut Reports) {
        let mut kinds = std::mem::take(&mut self.kinds);
        for kind in &mut kinds {
            let mut most = 0;
            for (fields, prefix) in kind
                .calls
                .iter()
                .flat_map(|call| [(&call.request, 0), (&call.reply, 4)])
                .chain(kind.events.iter().map(|event| (&event.fields, 0)))
            {
                let mut len = prefix;
                for field in fields {
                    len = self.end_of(&field.kind, len);
                }
                let handles = fields
                    .iter()
                    .filter(|field| field.kind.has_handle())
                    .count();
                let Some(first) = fields.first() else {
                    most = most.max(len);
                    continue;
                };
                let mut place = first.place.clone();
                place.span.end = place.span.start + 1;
                if len > BODY_LEN_MAX {
                    reports.push(Report::new(
                        &first.place,
                        format!("this message can take {len} bytes, and a message has {BODY_LEN_MAX} at most"),
                        "lower the bounds, or put the data into a folio",
                    ));
                }
                if handles > HANDLES_MAX {
                    reports.push(Report::new(
                        &first.place,
                        format!("this message has {handles} handles, and a message has {HANDLES_MAX} at most"),
                        "send them one after the other",
                    ));
                }
                most = most.max(len);
            }
            kind.body_len_max = most.min(BODY_LEN_MAX);
        }
        self.kinds = kinds;
    }

    /// Where the longest value of this type ends that begins at or after `at`.
    fn end_of(&self, kind: &Type, at: usize) -> usize {
        let align = |at: usize, to: usize| at.next_multiple_of(to);
        match kind {
            Type::Number(name) => align(at, number_len(name)) + number_len(name),
            Type::Str(max) | Type::Bytes(max) => align(at, 4) + 4 + max,
            Type::Named(name) => match self.structs.iter().find(|one| one.name == *name) {
                Some(one) => one
                    .fields
                    .iter()
                    .fold(at, |at, field| self.end_of(&field.kind, at)),
                None => align(at, 4) + 4,
            },
            // Items may be aligned differently each time; the worst case is 7 bytes of gap each.
            Type::List(item, max) => {
                let start = align(at, 4) + 4;
                let item_len = self.end_of(item, 0);
                let gap = if matches!(**item, Type::Number(_)) {
                    0
                } else {
                    7
                };
                align(start, 8).saturating_add(max.saturating_mul(item_len + gap))
            }
            Type::Option(inner) => self.end_of(inner, at + 1),
            Type::Channel(_) | Type::Handle(..) => at,
        }
    }
}
