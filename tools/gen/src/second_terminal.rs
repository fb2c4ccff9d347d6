//! A second terminal in a system: a port of a virtio console with a shell, beside whatever is at the serial line.
//!
//! It takes further instances of two components, which no system's file can ask for yet.

use crate::component::Component;
use crate::report::{Report, Reports};
use crate::settings::SettingValue;
use crate::system::{System, plain_member};

/// Whose it is: the driver, then instances with the component that each is, and what they need from whom.
const DRIVER: &str = "virtio_console";
const INSTANCES: [(&str, &str, &str, &str); 2] = [
    ("virtio_terminal", "terminal", "ports", DRIVER),
    ("virtio_session", "session", "terminal", "virtio_terminal"),
];

/// Adds it.
pub fn add(system: &mut System, components: &[Component], reports: &mut Reports) {
    stay_connected(system, components);
    let is_there = system.members.iter().any(|member| member.name == DRIVER);
    let driver = (DRIVER, DRIVER, "", "");
    for (name, component, need, provider) in [driver].into_iter().chain(INSTANCES) {
        if name == DRIVER && is_there {
            continue;
        }
        let Some(found) = components.iter().find(|one| one.name == component) else {
            reports.push(Report::general(format!(
                "a second terminal needs the component `{component}`, which is not there"
            )));
            continue;
        };
        let mut member = plain_member(found, &found.place, reports);
        member.name = name.into();
        if !need.is_empty() {
            member.needs.insert(need.into(), provider.into());
        }
        // The log is the first terminal's.
        let settings = found.settings.iter().zip(&mut member.settings);
        for (setting, value) in settings.filter(|(setting, _)| setting.name == "log") {
            debug_assert!(setting.default.is_some());
            *value = SettingValue::Str(String::new());
        }
        system.members.push(member);
    }
}

/// Who has one provider now is to have that one still when there are two.
fn stay_connected(system: &mut System, components: &[Component]) {
    let find = |name: &str| components.iter().find(|component| component.name == name);
    let providers: Vec<(String, String)> = system
        .members
        .iter()
        .filter_map(|member| Some((member, find(&member.component)?)))
        .flat_map(|(member, component)| {
            let provides = component.provides.iter();
            provides.map(|provide| (provide.interface.clone(), member.name.clone()))
        })
        .collect();
    for member in &mut system.members {
        let Some(component) = find(&member.component) else {
            continue;
        };
        for need in &component.needs {
            let mut found = providers
                .iter()
                .filter(|(interface, _)| *interface == need.interface);
            if let (Some((_, provider)), None) = (found.next(), found.next()) {
                let entry = member.needs.entry(need.name.clone());
                entry.or_insert_with(|| provider.clone());
            }
        }
    }
}
