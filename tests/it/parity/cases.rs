//! What each fixture is held against: a spec, shipped where there is one, and what it is told besides so that it is small.

/// The name of a fixture, a spec, and values that are set in it.
pub(super) type Case = (&'static str, &'static str, &'static [&'static str]);

/// Sets of every case of a group come before its own.
pub(super) const GROUPS: &[(&[&str], &[Case])] =
    &[(INTEREST_SETS, INTERESTS), (FIELD_SETS, FIELDS), (LOSS_SETS, LOSSES), (&[], SEQUENCES)];

const INTEREST_SETS: &[&str] =
    &["features.movie.dim=4", "features.genres.dim=2", "model.logit=linear(concat(item, interest), 1)"];

/// What a user is interested in, by each recurrence and attention.
const INTERESTS: &[Case] = &[
    ("dien_augru", "specs/dien.yaml", &[]),
    (
        "dien_augru_official",
        "specs/dien.yaml",
        &["model.interest=augru(states, weight, over=history, hidden=5, variant=official)"],
    ),
    ("dien_agru", "specs/dien.yaml", &["model.interest=agru(states, weight, over=history)"]),
    ("dien_aigru", "specs/dien.yaml", &["model.interest=aigru(states, weight, over=history)"]),
    (
        "dien_unit",
        "specs/dien.yaml",
        &[
            "model.unit=concat(item, states, item - states, item * states) |> mlp([5], activation=sigmoid) |> linear(1)",
            "model.weight=softmax(unit, over=history)",
        ],
    ),
    (
        "dien_network",
        "specs/dien.yaml",
        &["losses.aux=0.5 * next_click(states, history.item, unseen.item, over=history, net=mlp, reduce=mean)"],
    ),
    (
        "self_attention",
        "specs/self_attention.yaml",
        &["model.interest=mean(self_attention(history.item, over=history, heads=2), over=history)"],
    ),
    (
        "causal_attention",
        "specs/self_attention.yaml",
        &[
            "model.interest=mean(self_attention(history.item, over=history, heads=3, causal=true, bias=false), over=history)",
        ],
    ),
    (
        "cross_attention",
        "specs/cross_attention.yaml",
        &["model.interest=cross_attention(item, history.item, over=history, heads=2)"],
    ),
    (
        "co_attention",
        "specs/co_attention.yaml",
        &["model.interest=co_attention(history.item, disliked.item, over_x=history, over_y=disliked, hidden=5)"],
    ),
    (
        "hierarchical",
        "specs/hierarchical.yaml",
        &["model.interest=hierarchical(history.item, events=history, visits=visit, hidden=5)"],
    ),
    (
        "group_attention",
        "specs/group.yaml",
        &["model.interest=group_attention(history.item, item, over=history, hidden=5)"],
    ),
    (
        "dynamic_attention",
        "specs/dynamic.yaml",
        &["model.interest=last(dynamic_attention(history.item, over=history, hidden=5), over=history)"],
    ),
    (
        "multi_interest",
        "specs/mind.yaml",
        &["model.interest=multi_interest(history.item, item, over=history, interests=3)"],
    ),
    ("mean_max", "specs/self_attention.yaml", &["model.interest=mean_max(history.item, over=history)"]),
    ("spatial_attention", "specs/spatial.yaml", &[]),
    (
        "interval_attention",
        "specs/interval.yaml",
        &[
            "model.interest=last(interval_attention(history.item, history.age, over=history, heads=2, buckets=6, causal=true), over=history)",
        ],
    ),
];

const FIELD_SETS: &[&str] = &["features.movie.dim=4", "features.genres.dim=4"];

/// Interactions of feature fields.
const FIELDS: &[Case] = &[
    ("cross_network", "specs/dcn.yaml", &["model.logit=concat(item, interest) |> cross(layers=2) |> linear(1)"]),
    ("cin", "specs/xdeepfm.yaml", &["model.logit=cin(fields, over=fields, maps=3) |> linear(1)"]),
    (
        "autoint",
        "specs/autoint.yaml",
        &["model.logit=interacting(fields, over=fields, heads=2, dim=6) |> flatten(over=fields) |> linear(1)"],
    ),
    (
        "senet",
        "specs/fibinet.yaml",
        &["model.logit=bi_interaction(senet(fields, over=fields, hidden=3), over=fields) |> linear(1)"],
    ),
    ("interhat", "specs/interhat.yaml", &["model.logit=fields |> high_order(over=fields, hidden=5) |> linear(1)"]),
    (
        "fm",
        "specs/fm.yaml",
        &["features.movie.dim=1", "features.genres.dim=1", "tables.movie_vector.dim=4", "tables.genres_vector.dim=4"],
    ),
    (
        "nfm",
        "specs/nfm.yaml",
        &[
            "features.movie.dim=1",
            "features.genres.dim=1",
            "tables.movie_vector.dim=4",
            "tables.genres_vector.dim=4",
            "model.logit=movie + genres + interest + bias + (pairs |> mlp([5]) |> linear(1))",
        ],
    ),
    (
        "afm",
        "specs/afm.yaml",
        &[
            "features.movie.dim=1",
            "features.genres.dim=1",
            "tables.movie_vector.dim=4",
            "tables.genres_vector.dim=4",
            "model.pairs=afm(fields, over=fields, hidden=5)",
        ],
    ),
];

const LOSS_SETS: &[&str] = &[
    "features.movie.dim=4",
    "features.genres.dim=2",
    "axes.unseen={draw: item, n: 3, by: popularity}",
    "model.interest=mean(history.item, over=history)",
    "outputs.ctr=sigmoid(dot(interest, item))",
    "model.logit=dot(interest, item)",
];

/// Losses against what did not happen.
const LOSSES: &[Case] = &[
    (
        "sampled_softmax",
        "specs/base.yaml",
        &[
            "losses.click=sampled_softmax(interest, item, unseen.item, over=unseen, log_q=unseen.log_q, target_log_q=-2.5)",
        ],
    ),
    ("gbce", "specs/base.yaml", &["losses.click=gbce(interest, item, unseen.item, over=unseen, items=60, t=0.75)"]),
    (
        "bpr",
        "specs/base.yaml",
        &["losses.click=mean(bpr(dot(interest, item), dot(interest, unseen.item)), over=unseen)"],
    ),
    (
        "in_batch",
        "specs/base.yaml",
        &[
            "model.others=twin(item, B, as=other)",
            "losses.click=logsumexp(dot(interest, others), over=other) - dot(interest, item)",
        ],
    ),
    ("focal", "specs/base.yaml", &["losses.click=focal(logit, liked, gamma=1.5, alpha=0.3)"]),
];

const ITEMS: [&str; 2] = ["features.movie.dim=4", "features.genres.dim=2"];
const AGO: &str = "features.ago.dim=2";
const EIGHT: &str = "axes.history.last=8";
const LINEAR_TOP: &str = "model.logit=linear(concat(item, interest), 1)";
const BST: &str = "model.encoded=transformer(steps, over=steps, layers=1, heads=2, hidden=5, activation=leaky_relu)";
const BST_TOP: &str = "model.logit=concat(item, interest) |> mlp([7], activation=leaky_relu) |> linear(1)";

/// Transformers over a sequence, with what is read out of it.
const SEQUENCES: &[Case] = &[
    ("bst_last", "specs/bst.yaml", &[ITEMS[0], ITEMS[1], AGO, EIGHT, BST, BST_TOP]),
    (
        "bst_mean",
        "specs/bst.yaml",
        &[ITEMS[0], ITEMS[1], AGO, EIGHT, BST, BST_TOP, "model.interest=mean(encoded, over=steps)"],
    ),
    (
        "bst_sum",
        "specs/bst.yaml",
        &[ITEMS[0], ITEMS[1], AGO, EIGHT, BST, BST_TOP, "model.interest=sum(encoded, over=steps)"],
    ),
    (
        "bst_flatten",
        "specs/bst.yaml",
        &[ITEMS[0], ITEMS[1], AGO, EIGHT, BST, BST_TOP, "model.interest=flatten(encoded, over=steps)"],
    ),
    (
        "bst_index",
        "specs/bst.yaml",
        &[
            ITEMS[0],
            ITEMS[1],
            EIGHT,
            "model.steps=append(history.item, item, over=history, as=steps)",
            "model.placed=steps + positions(steps)",
            "model.encoded=transformer(placed, over=steps, layers=1, heads=2, hidden=5, activation=leaky_relu)",
            LINEAR_TOP,
        ],
    ),
    (
        "bst_sinusoid",
        "specs/bst.yaml",
        &[
            ITEMS[0],
            ITEMS[1],
            EIGHT,
            "model.steps=append(history.item, item, over=history, as=steps)",
            "model.placed=steps + positions(steps, kind=sinusoid)",
            "model.encoded=transformer(placed, over=steps, layers=1, heads=2, hidden=5, activation=leaky_relu)",
            LINEAR_TOP,
        ],
    ),
    (
        "bst_none",
        "specs/bst.yaml",
        &[ITEMS[0], ITEMS[1], EIGHT, "model.steps=append(history.item, item, over=history, as=steps)", BST, LINEAR_TOP],
    ),
    ("sasrec", "specs/sasrec.yaml", &["features.movie.dim=6", "let.dim=6", "let.dropout=0", EIGHT]),
    (
        "sasrec_gbce",
        "specs/sasrec.yaml",
        &[
            "features.movie.dim=6",
            "let.dim=6",
            "let.dropout=0",
            EIGHT,
            "axes.unseen={draw: movie, n: 2, by: uniform, along: [history]}",
            "losses.next=gbce(encoded, following(history.movie, over=history, then=movie), unseen.movie, over=unseen, items=60)",
        ],
    ),
    ("bert4rec", "tests/parity/told.yaml", &[]),
    (
        "bert4rec_code",
        "tests/parity/told.yaml",
        &["model.hidden=select(encoded, over=history, where=covered) |> linear(dim) |> gelu |> layer_norm"],
    ),
    (
        "prm",
        "specs/prm.yaml",
        &[
            ITEMS[0],
            ITEMS[1],
            "axes.slate.max=8",
            "model.encoded=linear(x, 6) |> transformer(over=slate, layers=2, heads=2, hidden=5)",
        ],
    ),
];
