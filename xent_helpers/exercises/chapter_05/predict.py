"""Exercise 5.2: a weighted mean by hand."""

from xent_helpers.exercises.draft import Draft, Must

predict = Draft(
    "5.2",
    "Work the weighted mean out by hand and assign the number.",
    must=(Must("is a mean of the three kept losses, so it lies between 0.5 and 2", lambda value: 0.5 <= value <= 2),),
    slips=(),
    hints=(
        "Leave the sample with the ignored label out of everything, above and below the line.",
        "Above the line: weight times loss for each kept sample. Below: those same weights.",
    ),
    afterwards="Look next at what that divisor does to a batch of one, in section 5.5.",
)


@predict.reference
def weighted_mean():
    """The kept losses times their weights, over the sum of those weights."""
    loss, label, weight = [0.5, 2.0, 1.0, 4.0], [0, 1, 1, 2], [1.0, 3.5, 10.0]
    kept = [i for i in range(4) if label[i] != 2]
    return sum(weight[label[i]] * loss[i] for i in kept) / sum(weight[label[i]] for i in kept)


@predict.mistake
def over_the_kept_samples():
    """You divided by the three kept samples. What does the mean divide by once there are weights?"""
    return 11 / 3


@predict.mistake
def over_all_samples():
    """You divided by all four samples. Does an ignored one count, and do weights?"""
    return 11 / 4


@predict.mistake
def the_sum():
    """That is the weighted sum. What does the mean divide it by?"""
    return 11.0


@predict.mistake
def no_weights():
    """That is the mean without weights. Where do 1 and 3.5 come in?"""
    return 3.5 / 3


@predict.mistake(name="no weights, over all samples")
def no_weights_over_all_samples():
    """That has no weights, and the ignored sample still counts as one of four. What does each of the two options do to
    the divisor?"""
    return 3.5 / 4


@predict.mistake
def weights_below_only():
    """Your divisor is the one that belongs to weights. Where are the same weights above the line?"""
    return 3.5 / 8


@predict.mistake
def nothing_ignored():
    """The sample with label 2 is in your sum. What does ignore_index=2 do with it?"""
    return 51 / 18


@predict.mistake(name="nothing ignored, over all samples")
def nothing_ignored_over_all_samples():
    """All four samples are in your sum, and four is your divisor. Which sample does ignore_index=2 leave out, and what
    does the mean divide by once there are weights?"""
    return 51 / 4


@predict.mistake
def plain_mean():
    """That is the plain mean of the four losses. What do weight and ignore_index change above and below the line?"""
    return 7.5 / 4


@predict.mistake
def ignored_weight_below():
    """The ignored sample's weight, 10, is in your divisor. Whose weights are summed?"""
    return 11 / 18


@predict.mistake(name="over the classes' weights")
def over_the_classes_weights():
    """You divided by the weights of the classes, 1 + 3.5 + 10. The divisor adds up the weights of the kept samples: how
    often does 3.5 occur there?"""
    return 11 / 14.5


@predict.mistake
def each_weight_once():
    """You counted the weight 3.5 once below the line. How many kept samples have label 1?"""
    return 11 / 4.5


@predict.mistake
def sample_2_ignored():
    """You left out sample number 2, counted from 0. ignore_index is compared with the labels: which sample has label
    2?"""
    return 47.5 / 14.5


@predict.mistake
def weights_by_sample():
    """You gave the weights to the first three samples in their order. A weight belongs to a class: which weight has a
    sample with label 1?"""
    return 17.5 / 14.5


@predict.mistake
def only_the_ignored():
    """That is the loss of the sample with label 2, the only one that is left out. Which ones are kept?"""
    return 4.0
