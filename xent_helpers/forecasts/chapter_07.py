"""What chapter 7 asks its readers to forecast."""

from xent_helpers.forecasts.question import Question

QUESTIONS = (
    Question(
        "7.1",
        answer="the informed one and the one who ignores the sky",
        beliefs={
            "only the informed one": (
                "a forecast that never changes seems worthless; but on the days with 0.38 it rains on 38%"
            ),
            "the informed one and the one who ignores the sky": (
                "for both, it rains on a share s of the days on which they say s"
            ),
            "the informed and the timid one": (
                "caution seems honest; but it rains on 10% of the days on which the timid one says 0.3"
            ),
        },
    ),
    Question(
        "7.2",
        answer="below 0.05",
        beliefs={
            "about 0.9": "it is wrong on nine pictures in ten; but it claims to be right on about one in ten",
            "about 0.2": "it should be no better than trained networks; but the ECE does not see skill",
            "below 0.05": "its one claim is about the share of its label among the test pictures",
        },
    ),
    Question(
        "7.3",
        answer="the accuracy stays, the loss falls",
        beliefs={
            "the accuracy rises, the loss falls": (
                "better probabilities should decide better; but the order of the classes stays as it was"
            ),
            "the accuracy stays, the loss falls": "dividing by a positive number changes no order, only the certainty",
            "the accuracy falls, the loss falls": (
                "softer claims might tip close decisions; but a larger logit stays larger after the division"
            ),
        },
    ),
    Question(
        "7.4",
        answer="0.05 or less to either side",
        beliefs={
            "more than 0.05 above": (
                "networks that fit every training label are said to be overconfident; here they are right about as "
                "often as they claim, since these labels can be predicted"
            ),
            "0.05 or less to either side": "near certainty is about right where 96% of new labels are predicted",
            "more than 0.05 below": "true labels might make it modest; that holds only early, at about 20 steps",
        },
    ),
)
