//! Every YAML block of the documents is read and checked: what a reader copies works.

use std::path::Path;

use specrec::diag::render::render_all;
use specrec::diag::{Diags, Sources};

#[test]
fn yaml_blocks_of_the_documents_have_no_errors() {
    let mut seen = 0;
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "LANGUAGE.md"] {
        let text = std::fs::read_to_string(document).unwrap();
        for block in text.split("```yaml\n").skip(1) {
            let yaml = block.split("```").next().unwrap();
            let (mut sources, mut diags) = (Sources::default(), Diags::default());
            if yaml.starts_with("specrec:") {
                let spec = specrec::syntax::load_text(document, yaml, Path::new("."), &[], &mut sources, &mut diags);
                let program = spec.and_then(|spec| specrec::lower::lower(&spec, &mut sources, &mut diags));
                assert!(program.is_some(), "{}", render_all(diags.list(), &sources, false));
            } else {
                let library = format!("specrec: 1\n{yaml}");
                let blocks = specrec::syntax::load_blocks(document, library.as_str(), &mut sources, &mut diags);
                assert!(!blocks.is_empty());
            }
            assert!(diags.list().is_empty(), "{}", render_all(diags.list(), &sources, false));
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
}

#[test]
fn every_function_is_in_the_description_of_the_language() {
    let text = std::fs::read_to_string("LANGUAGE.md").unwrap();
    let (mut sources, mut diags) = (specrec::diag::Sources::default(), specrec::diag::Diags::default());
    let spec = specrec::syntax::load(std::path::Path::new("specs/din.yaml"), &[], &mut sources, &mut diags).unwrap();
    let library = specrec::block::library::Library::load(&spec, &mut sources, &mut diags);
    let usage = |name: &str| specrec::block::signature::usage(name, &library.slots(name).unwrap());
    // Steps of a scan or a repeat are no functions that a spec would call.
    let whole = |name: &&str| !name.ends_with("_step") && !name.ends_with("_layer") && *name != "click_pair";
    let usages = library.names().filter(|name| whole(name) || *name == "transformer_layer" || *name == "layer_norm");
    let lacking: Vec<String> = usages
        .map(|name| format!("`{}`", usage(name).replace(", share=)", ")")))
        .filter(|usage| !text.contains(usage.as_str()))
        .collect();
    assert!(lacking.is_empty(), "LANGUAGE.md lacks {}", lacking.join("\n"));
}
