"""The workloads in PyTorch, as a practised user writes them: padded and masked. Every model has `NAMES`: which of its parameters is which of specrec's, and
how it is laid out there.
"""

import torch
import torch.nn.functional as F
from torch import nn

SAME, TURNED, FLIPPED = "same", "turned", "flipped"


def laid_out(value, layout):
    """From PyTorch's layout to specrec's, and back: each is its own inverse."""
    return {SAME: lambda v: v, TURNED: lambda v: v.t(), FLIPPED: lambda v: v.flip(0)}[layout](value)


def linear(ours, theirs):
    return {f"{ours}.weight": (f"{theirs}.w", TURNED), f"{ours}.bias": (f"{theirs}.b", SAME)}


def padded(rows, mask):
    """Rows of real elements as a padded rectangle. Ids come as u32, which PyTorch hardly computes with."""
    rows = rows if rows.is_floating_point() else rows.long()
    out = torch.zeros(*mask.shape, *rows.shape[1:], dtype=rows.dtype)
    out[mask] = rows
    return out


def mask_of(offsets, left=False):
    offsets = offsets.long()
    counts = offsets[1:] - offsets[:-1]
    at = torch.arange(int(counts.max()))[None, :]
    return at >= int(counts.max()) - counts[:, None] if left else at < counts[:, None]


class Dice(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width, eps=1e-8, affine=False)
        self.alpha = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        p = torch.sigmoid(self.norm(x))
        return x * (p + self.alpha * (1 - p))


class ActivationUnit(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.hidden = nn.ModuleList([nn.Linear(4 * width, 80), nn.Linear(80, 40)])
        self.out = nn.Linear(40, 1)

    def forward(self, query, keys):
        q = query.unsqueeze(1).expand_as(keys)
        x = torch.cat([q, keys, q - keys, q * keys], -1)
        for layer in self.hidden:
            x = torch.sigmoid(layer(x))
        return self.out(x).squeeze(-1)

    def request(self, query, keys, form):
        """Of many queries and the keys of one user: as rows in which the keys are repeated, or each part of the first layer in the shape that it has."""
        if form == "expanded":
            return self(query, keys.expand(len(query), -1, -1))
        first, *rest = self.hidden
        q, k, less, times = first.weight.split(query.shape[-1], 1)
        x = F.linear(query, q + less, first.bias).unsqueeze(1) + F.linear(keys, k - less)
        x = torch.sigmoid(x + F.linear(query.unsqueeze(1) * keys, times))
        for layer in rest:
            x = torch.sigmoid(layer(x))
        return self.out(x).squeeze(-1)


class Top(nn.Module):
    """200-80-1 with Dice."""

    def __init__(self, width):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, 200), nn.Linear(200, 80)])
        self.dice = nn.ModuleList([Dice(200), Dice(80)])
        self.last = nn.Linear(80, 1)

    def forward(self, x):
        for layer, dice in zip(self.layers, self.dice):
            x = dice(layer(x))
        return self.last(x).squeeze(-1)

    NAMES = {
        **linear("top.layers.0", "logit.mlp.0"),
        "top.dice.0.alpha": ("logit.mlp.0.alpha", SAME),
        **linear("top.layers.1", "logit.mlp.1"),
        "top.dice.1.alpha": ("logit.mlp.1.alpha", SAME),
        **linear("top.last", "logit.linear"),
    }


class Ads(nn.Module):
    """Items and kinds side by side, and a top."""

    def __init__(self, given, sparse):
        super().__init__()
        self.item = nn.Embedding(*given["item"].shape, sparse=sparse)
        self.kind = nn.Embedding(*given["kind"].shape, sparse=sparse)
        self.width = given["item"].shape[1] + given["kind"].shape[1]

    def ad(self, item, kind):
        return torch.cat([self.item(item), self.kind(kind)], -1)

    def tables(self):
        return [self.item.weight, self.kind.weight]

    def loss(self, b):
        return F.binary_cross_entropy_with_logits(self(b), b["label"])

    def predict(self, b):
        return torch.sigmoid(self(b))

    @staticmethod
    def batch(b):
        mask = mask_of(b["offsets.history"])
        out = {k: b[k].long() for k in ("item", "kind")} | {"label": b["clicked"].flatten(), "mask": mask}
        for k in ("history.item", "history.kind", "unseen.item", "unseen.kind"):
            if k in b:
                out[k] = padded(b[k].long(), mask)
        return out


class W1(Ads):
    """DIN with raw weights."""

    def __init__(self, given, sparse):
        super().__init__(given, sparse)
        self.unit, self.top = ActivationUnit(self.width), Top(3 * self.width)

    def forward(self, b):
        keys, query = self.ad(b["history.item"], b["history.kind"]), self.ad(b["item"], b["kind"])
        weight = self.unit(query, keys) * b["mask"]
        interest = torch.bmm(weight.unsqueeze(1), keys).squeeze(1)
        return self.top(torch.cat([query, interest, query * interest], -1))

    def request(self, b, form):
        keys, query = self.ad(b["history.item"], b["history.kind"]), self.ad(b["item"], b["kind"])
        interest = self.unit.request(query, keys, form) @ keys.squeeze(0)
        return torch.sigmoid(self.top(torch.cat([query, interest, query * interest], -1)))

    NAMES = {
        "item.weight": ("item", SAME),
        "kind.weight": ("kind", SAME),
        **linear("unit.hidden.0", "interest.hidden.0"),
        **linear("unit.hidden.1", "interest.hidden.1"),
        **linear("unit.out", "interest.out"),
        **Top.NAMES,
    }


class W2(Ads):
    """DIEN: PyTorch's GRU, an auxiliary network, the unit with softmax, AUGRU step by step."""

    def __init__(self, given, sparse):
        super().__init__(given, sparse)
        d = self.width
        self.gru = nn.GRU(d, d, batch_first=True)
        self.unit, self.top = ActivationUnit(d), Top(4 * d)
        self.wx, self.wh = nn.Linear(d, 3 * d), nn.Linear(d, 3 * d)
        self.aux = nn.ModuleList([nn.Linear(2 * d, 100), nn.Linear(100, 50), nn.Linear(50, 1)])

    def told(self, state, click):
        x = torch.cat([state, click], -1)
        x = torch.sigmoid(self.aux[1](torch.sigmoid(self.aux[0](x))))
        return self.aux[2](x).squeeze(-1)

    def augru(self, x, weight):
        d = self.width
        inputs, h = self.wx(x).unbind(1), x.new_zeros(weight.shape[0], d)
        w, b = self.wh.weight.t(), self.wh.bias
        for t, (i, a) in enumerate(zip(inputs, weight.unsqueeze(-1).unbind(1))):
            g = torch.addmm(b, h, w)
            gates = torch.sigmoid(i[:, : 2 * d] + g[:, : 2 * d])
            reset, update = gates[:, :d], gates[:, d:] * a
            new = torch.tanh(i[:, 2 * d :] + reset * g[:, 2 * d :])
            # A weight of 0, behind the last event, leaves the state as it is.
            h = h + update * (new - h)
        return h

    def forward(self, b, states=None):
        keys, query = self.ad(b["history.item"], b["history.kind"]), self.ad(b["item"], b["kind"])
        states = self.gru(keys)[0] if states is None else states
        weight = self.unit(query, states).masked_fill(~b["mask"], -1e9).softmax(-1)
        interest = self.augru(states, weight)
        count = b["mask"].sum(1, keepdim=True)
        mean = (keys * b["mask"].unsqueeze(-1)).sum(1) / count
        return self.top(torch.cat([query, interest, mean, query * interest], -1))

    def loss(self, b):
        keys = self.ad(b["history.item"], b["history.kind"])
        unseen = self.ad(b["unseen.item"], b["unseen.kind"])
        states = self.gru(keys)[0]
        real = b["mask"][:, 1:].float()
        told = F.softplus(-self.told(states[:, :-1], keys[:, 1:])) + F.softplus(self.told(states[:, :-1], unseen[:, :-1]))
        aux = (told * real).sum() / real.sum()
        return F.binary_cross_entropy_with_logits(self.forward(b, states), b["label"]) + aux

    def request(self, b, form):
        keys, query = self.ad(b["history.item"], b["history.kind"]), self.ad(b["item"], b["kind"])
        states = self.gru(keys)[0]
        interest = self.augru(states, self.unit.request(query, states, form).softmax(-1))
        mean = keys.mean(1).expand(len(query), -1)
        return torch.sigmoid(self.top(torch.cat([query, interest, mean, query * interest], -1)))

    NAMES = {
        "item.weight": ("item", SAME),
        "kind.weight": ("kind", SAME),
        "gru.weight_ih_l0": ("states.linear.w", TURNED),
        "gru.bias_ih_l0": ("states.linear.b", SAME),
        "gru.weight_hh_l0": ("states.from_state.linear.w", TURNED),
        "gru.bias_hh_l0": ("states.from_state.linear.b", SAME),
        **linear("unit.hidden.0", "unit.mlp.0"),
        **linear("unit.hidden.1", "unit.mlp.1"),
        **linear("unit.out", "unit.linear"),
        **linear("wx", "evolved.linear"),
        **linear("wh", "evolved.from_state.linear"),
        **linear("aux.0", "told.mlp.0"),
        **linear("aux.1", "told.mlp.1"),
        **linear("aux.2", "told.linear"),
        **Top.NAMES,
    }


class Block(nn.Module):
    """A post-norm transformer block."""

    def __init__(self, d, heads, hidden, activation):
        super().__init__()
        self.heads, self.activation = heads, activation
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.f1, self.f2 = nn.Linear(d, hidden), nn.Linear(hidden, d)

    def forward(self, x, mask):
        b, t, d = x.shape
        q, k, v = (p(x).view(b, t, self.heads, d // self.heads).transpose(1, 2) for p in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(b, t, d)
        x = self.n1(x + self.o(y))
        return self.n2(x + self.f2(self.activation(self.f1(x))))

    @staticmethod
    def names(ours, theirs):
        return {
            **linear(f"{ours}.q", f"{theirs}.attended.query.linear"),
            **linear(f"{ours}.k", f"{theirs}.attended.key.linear"),
            **linear(f"{ours}.v", f"{theirs}.attended.value.linear"),
            **linear(f"{ours}.o", f"{theirs}.attended.linear"),
            **norm(f"{ours}.n1", f"{theirs}.middle.layer_norm"),
            **norm(f"{ours}.n2", f"{theirs}.layer_norm"),
            **linear(f"{ours}.f1", f"{theirs}.fed.mlp.0"),
            **linear(f"{ours}.f2", f"{theirs}.fed.linear"),
        }


def norm(ours, theirs):
    return {f"{ours}.weight": (f"{theirs}.scale", SAME), f"{ours}.bias": (f"{theirs}.shift", SAME)}


def seen(mask):
    """What attention may see; nothing to say where all is real, which lets PyTorch take its quicker way."""
    return None if bool(mask.all()) else mask[:, None, None, :]


class W3(nn.Module):
    """BST: the target is the last step; all steps side by side, aligned at the end."""

    def __init__(self, given, sparse):
        super().__init__()
        steps, d = given["placed.positions"].shape
        self.item = nn.Embedding(*given["item"].shape, sparse=sparse)
        self.position = nn.Parameter(torch.zeros(steps, d))
        self.block = Block(d, 8, 4 * d, F.leaky_relu)
        self.layers = nn.ModuleList([nn.Linear(steps * d, 1024), nn.Linear(1024, 512), nn.Linear(512, 256), nn.Linear(256, 1)])

    def tables(self):
        return [self.item.weight]

    def forward(self, b):
        steps = torch.cat([b["history.item"], b["item"].unsqueeze(1)], 1)
        x = self.item(steps) + self.position[-steps.shape[1] :]
        x = self.block(x, seen(b["mask"]))
        return self.told((x * b["mask"].unsqueeze(-1) if not bool(b["mask"].all()) else x).flatten(1))

    def told(self, x):
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x))
        return self.layers[-1](x).squeeze(-1)

    def request(self, b, form):
        """Every step sees the target, so all steps are each candidate's own."""
        steps = torch.cat([b["history.item"].expand(len(b["item"]), -1), b["item"].unsqueeze(1)], 1)
        x = self.block(self.item(steps) + self.position[-steps.shape[1] :], None)
        return torch.sigmoid(self.told(x.flatten(1)))

    def loss(self, b):
        return F.binary_cross_entropy_with_logits(self(b), b["label"])

    def predict(self, b):
        return torch.sigmoid(self(b))

    @staticmethod
    def batch(b):
        mask = mask_of(b["offsets.history"], left=True)
        history = padded(b["history.item"].long(), mask)
        mask = torch.cat([mask, torch.ones(mask.shape[0], 1, dtype=torch.bool)], 1)
        return {"history.item": history, "item": b["item"].long(), "mask": mask, "label": b["clicked"].flatten()}

    NAMES = {
        "item.weight": ("item", SAME),
        "position": ("placed.positions", FLIPPED),
        **Block.names("block", "encoded.stack.0"),
        **linear("layers.0", "logit.mlp.0"),
        **linear("layers.1", "logit.mlp.1"),
        **linear("layers.2", "logit.mlp.2"),
        **linear("layers.3", "logit.linear"),
    }


class W4(nn.Module):
    """BERT4Rec: the hidden steps alone are scored against every item."""

    def __init__(self, given, sparse):
        super().__init__()
        rows, d = given["movie"].shape
        self.item = nn.Embedding(rows, d)
        self.position = nn.Parameter(torch.zeros(given["placed.positions"].shape))
        self.norm = nn.LayerNorm(d)
        self.blocks = nn.ModuleList([Block(d, 2, 4 * d, F.gelu) for _ in range(2)])
        self.turn, self.turned = nn.Linear(d, d), nn.LayerNorm(d)
        self.bias = nn.Parameter(torch.zeros(rows, 1))

    def tables(self):
        return []

    def hidden(self, b):
        x = self.norm(self.item(b["token"]) + self.position[-b["token"].shape[1] :])
        for block in self.blocks:
            x = block(x, seen(b["mask"]))
        return self.turned(F.gelu(self.turn(x.flatten(0, 1)[b["hidden"]])))

    def loss(self, b):
        # Row 0 is no candidate.
        return F.cross_entropy(F.linear(self.hidden(b), self.item.weight[1:], self.bias[1:, 0]), b["label"] - 1)

    def predict(self, b):
        return self.hidden(b)

    @staticmethod
    def batch(b):
        mask = mask_of(b["offsets.history"], left=True)
        rect = {k: padded(b[f"history.{k}"], mask) for k in ("token", "item", "hidden")}
        hidden = rect["hidden"].flatten().nonzero().flatten()
        return {"token": rect["token"].long(), "mask": mask, "hidden": hidden, "label": rect["item"].long().flatten()[hidden]}

    NAMES = {
        "item.weight": ("movie", SAME),
        "position": ("placed.positions", FLIPPED),
        **norm("norm", "placed.layer_norm"),
        **Block.names("blocks.0", "encoded.stack.0"),
        **Block.names("blocks.1", "encoded.stack.1"),
        **linear("turn", "guessed.linear"),
        **norm("turned", "guessed.layer_norm"),
        "bias": ("movie.bias", SAME),
    }


class W5(nn.Module):
    """PRM without personalised vectors."""

    def __init__(self, given, sparse):
        super().__init__()
        d = given["placed.linear.w"].shape[0]
        self.first = nn.Linear(d, d)
        self.position = nn.Parameter(torch.zeros(given["placed.positions"].shape))
        self.blocks = nn.ModuleList([Block(d, 4, 4 * d, F.relu) for _ in range(2)])
        self.score = nn.Linear(d, 1)

    def tables(self):
        return []

    def forward(self, b):
        x = self.first(b["document"]) + self.position[-b["document"].shape[1] :]
        for block in self.blocks:
            x = block(x, seen(b["mask"]))
        return self.score(x).squeeze(-1).masked_fill(~b["mask"], -1e9)

    def loss(self, b):
        return -(F.log_softmax(self(b), -1) * b["label"]).sum(-1).mean()

    predict = forward

    @staticmethod
    def batch(b):
        mask = mask_of(b["offsets.slate"], left=True)
        return {"document": padded(b["slate.document"], mask), "label": padded(b["slate.clicked"].flatten(), mask), "mask": mask}

    NAMES = {
        **linear("first", "placed.linear"),
        "position": ("placed.positions", FLIPPED),
        **Block.names("blocks.0", "encoded.stack.0"),
        **Block.names("blocks.1", "encoded.stack.1"),
        **linear("score", "score.linear"),
    }


WORKS = {"w1": W1, "w2": W2, "w3": W3, "w4": W4, "w5": W5}
