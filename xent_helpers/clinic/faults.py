"""Every fault by its name, with its cure, under the heading of book/errors.md that explains it.

To find the check of a fault, search this folder for its name: it stands here and where it is found.
``{0}`` and ``{1}`` are words that the check puts in.
"""

from xent_helpers.clinic.report import Finding

TABLE = """
## Softmax before CrossEntropyLoss
softmax before {0}: loss(logits, target)  # no softmax before it
{0} before {1}: loss(output, target)  # the last layer's output, without {0}
softmax over the batch axis: F.log_softmax(z, dim=1) with NLLLoss; no softmax with CrossEntropyLoss
{0} after {1}: p = torch.{0}(logits)  # without {1} before it
## Sigmoid before BCEWithLogitsLoss
{0} before BCEWithLogitsLoss: loss(logits, target)  # the last layer's output, no activation
## CrossEntropyLoss is always 0
one output with {0}: nn.BCEWithLogitsLoss()(output, target.float().view_as(output))
softmax of one output: nn.BCEWithLogitsLoss()(logits, target)  # a sigmoid, if any, not a softmax
both inputs are the same: loss(f(anchor), f(positive), f(negative))  # different samples for each
## does not require grad
no gradient: loss(logits, target)  # no argmax, round, detach, .item() or .numpy() on the way to the loss
an operation in place: h = h * 2  # a new tensor; no h *= 2 or relu(inplace=True) on what is needed
## Trying to backward through the graph a second time
the graph is kept from step to step: hidden = hidden.detach(); total += loss.item()  # no graph of another batch
## NLLLoss is negative
{0} given to NLLLoss: F.nll_loss(F.log_softmax(logits, dim=1), target)
the loss is negative: F.cross_entropy(logits, target)
## CTC loss
{0} given to CTCLoss: nn.CTCLoss()(logits.log_softmax(-1), targets, input_lengths, target_lengths)
class axis of CTCLoss: log_p.transpose(0, 1)  # CTCLoss takes (T, N, C)
the blank among the targets: nn.CTCLoss(blank=C - 1)  # or move the labels up by one: blank is no label
targets longer than the input: nn.CTCLoss(zero_infinity=True)  # and fewer strides before it, or drop these
## Gaussian and Poisson losses
rate given as its logarithm: nn.PoissonNLLLoss(log_input=False)  # or no {0} at the end of the model
logarithm given as the rate: nn.PoissonNLLLoss(log_input=True)  # or F.softplus(output)
targets are no counts: print(target.min())  # Poisson counts are 0, 1, 2, …; no logarithm, no scaling
variance is 0 or negative: var = F.softplus(raw) + 1e-6  # or log_var.exp(); no raw output
## MultiMarginLoss and MultiLabelMarginLoss
multi-hot labels with MultiLabelMarginLoss: nn.MultiLabelSoftMarginLoss()(logits, target.float())
## Expected target size: the class axis
class axis last: logits.movedim(-1, 1)
class axis moved by view: {0}
## All targets ignored: nan
all targets ignored: F.cross_entropy(z, y, reduction='sum') / (y != -100).sum().clamp(min=1)
the gradient is nan: loss_of[mask].mean()  # no 0 * inf, no 0 / 0
## Target is out of bounds
ignore_index is a real class: nn.CrossEntropyLoss()  # ignore_index only for a label that is no class: -100
label out of range: nn.Linear(features, int(target.max()) + 1)  # or correct the labels
labels counted from 1: target - 1
labels are {0}: {1}
## Tensors on two devices
tensors on two devices: {0} = {0}.to(output.device)
## Mean of means and gradient accumulation
padding label is not ignored: {0}(ignore_index={1})
mean over padding: (each * mask).sum() / mask.sum()
zero_grad is forgotten: optimizer.zero_grad()
mean of means over uneven batches: total += loss.item() * count; n += count  # then total / n
## The weighted mean is not divided by N
weights in the wrong order: weight = counts.sum() / (C * counts)
weights that are negative or all 0: weight.clamp(min=0)
## Options that are refused
unknown reduction: reduction="mean"
## Targets that do not sum to 1
soft targets do not sum to 1: teacher_logits.softmax(1)  # or q / q.sum(1, keepdim=True)
## Float labels read as class probabilities
float labels read as class probabilities: nn.BCEWithLogitsLoss()(output, target)
## label_smoothing is not what you think
label_smoothing out of range: label_smoothing=0.1
## Masked logits: nan or inf
masked logits of -inf: logits.masked_fill(mask, -1e4)
masked logits of -inf at the label: mask.scatter_(1, target[:, None], False)  # True hides a class
## log of softmax is −inf
the logarithm of 0: F.log_softmax(logits, dim=1)  # not log(softmax)
the loss is nan or inf: F.cross_entropy(logits, target)  # by hand: no log, division or root of 0
## Half precision: inf and lost digits
loss formed in half precision: loss(logits.float(), target)
the output is nan or inf: torch.autograd.set_detect_anomaly(True)  # then look upstream of the loss
## BCELoss stuck: the clamp at −100
BCELoss is saturated: nn.BCEWithLogitsLoss()(logits, target)
logits are far too large: x = (x - x.mean(0)) / x.std(0)  # standardise the inputs; smaller initial weights
the loss starts too high: x = (x - x.mean(0)) / x.std(0)  # or smaller initial weights in the last layer
## BCEWithLogitsLoss is negative
mask of 0 and 255: target / 255
targets outside 0 to 1: {0}
## pos_weight bends the probabilities
pos_weight is inverted: pos_weight = negatives / positives
{0} does not fit the output: {1}
## BCELoss with swapped arguments
arguments swapped: loss(input=prediction, target=labels)  # prediction first
## KLDivLoss is negative
{0} given to KLDivLoss: F.kl_div(F.log_softmax(z, -1), q, reduction='batchmean')
log_target does not fit: F.kl_div(log_p, target, reduction='batchmean', log_target={0})
## KLDivLoss: silent options
KLDivLoss divides by the classes too: F.kl_div(F.log_softmax(z, -1), q, reduction='batchmean')
batchmean of sequences: F.kl_div(log_p.flatten(0, -2), q.flatten(0, -2), reduction='batchmean')
## Target size must be the same as input size
shapes are broadcast: {0}
shapes differ: print(output.shape, target.shape)
batch sizes differ: print(output.shape, target.shape)
class numbers with {0}: nn.CrossEntropyLoss()(output, target.long())
## multi-target not supported
an axis of length 1 too many: {0}
several labels at once with {0}: nn.BCEWithLogitsLoss()(output, target.float())
## Integer one-hot targets
integer one-hot target: target.argmax(1)
soft targets with NLLLoss: target.argmax(1)  # or nn.CrossEntropyLoss()
## ignore_index with soft targets
ignore_index with soft targets: F.cross_entropy(z, q, reduction='none')[keep].mean()
## expected target dtype to be Long
target type: target.long()
## Found dtype Long but expected Float
target type of {0}: target.to(output.dtype)
## weight tensor should be defined for all classes
weight of the wrong length: weight = torch.ones({0})  # one number for each class
weight of another type: weight.to(logits.dtype)
## BCELoss vs BCEWithLogitsLoss
logits given to BCELoss: nn.BCEWithLogitsLoss()(logits, target)
## BCELoss is unsafe to autocast
BCELoss under autocast: nn.BCEWithLogitsLoss()(logits, target)
## log_softmax not implemented for Long
integer logits: logits.float()
## must be Tensor, not tuple
output is not a tensor: {0}
## Boolean value of Tensor is ambiguous
a class where a loss belongs: {0}()
{0} is not a tensor: torch.as_tensor({0})
options where tensors belong: nn.CrossEntropyLoss()(logits, target)
## Error messages
the call is refused: print(output.shape, output.dtype, target.shape, target.dtype)
## The loss does not fall
nan or inf among the {0}: keep = x.isfinite().all(1)  # or fill the gaps; then look where they come from
the output cannot reach the targets: # no {0} after the last layer, or bring the targets into its range
the inputs are not scaled: x = (x - x.mean(0)) / x.std(0)  # with the training data's mean and std
the training diverges: {0}
the learning rate is {0}: {1}
the optimizer climbs: {0}  # without maximize=True
the weight decay is too strong: {0}
the optimizer lacks parameters: {0}  # made after the model has its last form
nothing to train: model.requires_grad_(True)
the model is in evaluation mode: model.train()
dropout drops everything: nn.Dropout(0.1)  # p is the share that is dropped, not the share that is kept
all inputs are the same: print(next(iter(loader))[0])
the labels are constant: print(torch.cat([y for _, y in loader]).unique())  # then look how they are read
batches of one class: DataLoader(data, batch_size=32, shuffle=True)
the same output for all inputs: {0}
parameters without gradient: # use them in forward; no .detach(), .data or no_grad() before the loss
parameters the model does not know: self.layers = nn.ModuleList(layers)  # or nn.Parameter(tensor)
samples of a batch are mixed: nn.LSTM(…, batch_first=True)  # no softmax, view or mean over axis 0
one batch cannot be learned: clinic.call(loss_fn, model(x), y)  # then activations, axes, and x against y
the step changes nothing: optimizer.zero_grad(); loss.backward(); optimizer.step()
the step runs in evaluation mode: model.train()
## Silently wrong numbers
random in evaluation mode: F.dropout(x, p, training=self.training)
the loss ignores its labels: loss_fn(model(x), y)
the labels are among the inputs: x = x[:, [i for i in range(x.shape[1]) if i not in {0}]]
evaluation runs in training mode: model.eval()
## Language models: shifted twice, perplexity averaged
labels are {0}: x, y = tokens[:, :-1], tokens[:, 1:]  # shift in one place only
the model sees the next token: nn.Transformer.generate_square_subsequent_mask(T)  # no bidirectional=True either
"""

CURES: dict[tuple[str, str], str] = {}  # (name, heading): cure
for part in TABLE.split("## ")[1:]:
    heading, *names = part.strip().splitlines()
    CURES |= {(name, heading): cure for name, cure in (line.split(": ", 1) for line in names)}
HEADINGS = dict(list(CURES))  # the last one, for a name that stands under two


def found(name: str, evidence: str, *words: object, heading: str | None = None) -> Finding:
    """The finding of a fault from the table, its words filled in; ``heading`` where a name stands under two."""
    heading = heading or HEADINGS[name]
    return Finding(name.format(*words), evidence, CURES[name, heading].format(*words), heading)
